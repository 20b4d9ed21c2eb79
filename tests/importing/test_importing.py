"""Importing: headers and cells as people write them, bad rows set aside with their reason, repeats that do nothing."""

from __future__ import annotations

import pytest
from imported import listed, rejected, versions

from crmcore.errors import AccessDenied, UsageError
from crmcore.importing import import_file

CUSTOMERS = """客户名称,行业,地区,电话,成立日期,Annual Revenue
佛山企业电子,电子,华南,0757-8888,2005年3月1日,"1,234.50"
Acme,retail,East,,1996/2/9,100
"""


def test_headers_in_two_languages_are_mapped_and_cells_read(crm, bring):
    result = bring("customer", CUSTOMERS)
    assert dict(result.outcomes) == {"created": 2}
    assert {column.header: column.target for column in result.plan.columns} == {
        "客户名称": "name",
        "行业": "industry",
        "地区": "region",
        "电话": "phone",
        "成立日期": "founded_date",
        "Annual Revenue": "annual_revenue",
    }
    found = [
        (name, phone, str(day), str(money))
        for name, phone, day, money in listed(crm, "customer", "name", "phone", "founded_date", "annual_revenue")
    ]
    assert found == [
        ("佛山企业电子", "0757-8888", "2005-03-01", "1234.5000"),
        ("Acme", None, "1996-02-09", "100.0000"),
    ]


def test_a_repeated_import_changes_nothing(crm, bring):
    bring("customer", CUSTOMERS)
    assert dict(bring("customer", CUSTOMERS).outcomes) == {"unchanged": 2}
    assert versions(crm, "customer") == {1}


def test_matched_rows_are_updated_skipped_or_refused_as_asked(crm, bring):
    bring("customer", "name,region\nAcme,East\n")
    assert bring("customer", "name,region\nACME,West\n", on_match="skip").outcomes == {"skipped": 1}
    assert bring("customer", "name,region\nACME,West\n", on_match="error").outcomes == {"rejected": 1}
    assert bring("customer", "name,region\nACME,West\n").outcomes == {"updated": 1}
    assert listed(crm, "customer", "name", "region") == [("ACME", "West")]


def test_bad_rows_are_set_aside_with_line_and_reason_and_good_ones_stay(crm, bring):
    result = bring("customer", "name,kind,founded date\nAcme,shop,2001-01-01\nCancity,,2001-02-30\nBluth,Person,\n")
    assert result.outcomes == {"rejected": 2, "created": 1}
    header, first, second = rejected(result)
    assert header == ["line", "reason", "name", "kind", "founded date"]
    assert [first[0], *first[2:]] == ["2", "Acme", "shop", "2001-01-01"]
    assert 'must be one of: person, organisation; found "shop"' in first[1]
    assert second[0] == "3"
    assert "2001-02-30" in second[1]
    assert [(problem.line, problem.field) for problem in result.problems] == [(2, "kind"), (3, "founded date")]
    assert listed(crm, "customer", "name", "kind") == [("Bluth", "person")]


def test_the_rejects_file_can_be_mended_and_imported_again(crm, bring):
    result = bring("customer", "name,kind\nAcme,shop\nBluth,shop\n")
    mended = result.rejects.read_text(encoding="utf-8-sig").replace("Acme,shop", "Acme,organisation")
    result.rejects.write_text(mended, encoding="utf-8-sig")
    again = import_file(crm, result.rejects, "customer")
    assert again.outcomes == {"created": 1, "rejected": 1}
    assert again.plan.unknown == ()
    assert again.rejects.name == "file.rejects.2.csv"
    assert rejected(again)[0] == ["line", "reason", "name", "kind"]
    assert rejected(again)[1][2:] == ["Bluth", "shop"]


def test_references_are_found_by_name_code_or_reference(crm, bring):
    bring("customer", "name,code\n佛山企业电子,K-1\nAcme,K-2\n")
    rows = ["S1,acme,2026-01-10,5", "S2,K-1,2026-01-11,6", "S3,customer:2,2026-01-12,7", "S4,nobody,2026-01-12,7"]
    result = bring("order", "\n".join(["订单编号,客户名称,Order Date,金额", *rows]))
    assert result.outcomes == {"created": 3, "rejected": 1}
    assert listed(crm, "order", "number", "customer") == [("S1", 2), ("S2", 1), ("S3", 2)]
    assert 'there is no customer "nobody"' in result.problems[0].message


def test_a_name_that_two_records_have_is_not_guessed(crm, bring):
    with crm.session() as session:
        for _twice in range(2):
            session.create("customer", {"name": "Acme"}, on_match="create")
    result = bring("order", "customer,order date\nAcme,2026-01-10\n")
    assert '"Acme" is more than one: customer:1, customer:2; write the one that is meant' in result.problems[0].message


def test_enums_are_read_by_their_titles_and_booleans_as_people_write_them(crm, bring):
    bring(
        "customer",
        "名称,主体类型,重点客户\n王伟,个人,是\n佛山企业电子,organisation,no\n",
    )
    assert listed(crm, "customer", "kind", "key_customer") == [("person", True), ("organisation", False)]


def test_unknown_headers_are_reported_and_left_out(crm, bring):
    result = bring("customer", "name,星座,name 2\nAcme,狮子,x\n")
    assert result.plan.unknown == ("星座", "name 2")
    assert listed(crm, "customer", "name") == [("Acme",)]


def test_a_file_without_any_known_header_is_refused(bring):
    with pytest.raises(UsageError, match=r"no header is a field of customer: a, b[\s\S]*schema show customer"):
        bring("customer", "a,b\n1,2\n")


def test_a_file_that_nobody_reads_says_which_can_be_read(crm, make_crm, tmp_path):
    (tmp_path / "x.pdf").write_text("x")
    with pytest.raises(UsageError, match=r"reads \.pdf files[\s\S]*\.csv"):
        import_file(crm, tmp_path / "x.pdf", "customer")
    with pytest.raises(UsageError, match="plugins enable tabular"):
        import_file(make_crm(), tmp_path / "x.csv", "customer")


def test_a_file_that_is_not_there_says_so(crm, tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        import_file(crm, tmp_path / "missing.csv", "customer")


def test_importing_is_done_with_the_rights_of_whoever_imports(make_crm, tmp_path):
    crm = make_crm(enabled=["tabular"], roles={"sales": {"customer": {"read": True}}})
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
    (tmp_path / "c.csv").write_text("name\nAcme\n")
    with pytest.raises(AccessDenied, match="anna may not create customer"):
        import_file(crm, tmp_path / "c.csv", "customer", actor="anna")


def test_thousands_of_rows_are_saved_in_chunks(crm, bring):
    rows = "".join(f"C{n},{n}\n" for n in range(2500))
    assert bring("customer", "name,employees\n" + rows).outcomes == {"created": 2500}
    assert len(listed(crm, "customer", "id")) == 2500


def test_rows_that_cannot_be_read_are_in_the_rejects_file_with_their_cells(crm, bring):
    result = bring("customer", "name,phone\nAcme\nCancity,1\nBluth,2,3\n")
    assert result.outcomes == {"rejected": 2, "created": 1}
    header, *rows = rejected(result)
    assert header == ["line", "reason", "name", "phone"]
    assert [[line, *cells] for line, _reason, *cells in rows] == [["2", "Acme"], ["4", "Bluth", "2", "3"]]


def test_a_rejects_file_that_is_there_is_not_overwritten(crm, bring):
    first = bring("customer", "name,kind\nAcme,shop\n").rejects
    second = bring("customer", "name,kind\nBluth,shop\n").rejects
    assert first != second
    assert "Acme" in first.read_text(encoding="utf-8-sig")


def test_rows_without_any_key_are_known_again_by_what_is_in_them(crm, bring):
    visits = "kind,about,summary,due date\ncall,customer:1,Ask,2026-02-01\ncall,customer:1,Ask,2026-02-01\n"
    bring("customer", "name\nAcme\n")
    assert bring("activity", visits).outcomes == {"created": 2}
    assert bring("activity", visits).outcomes == {"unchanged": 2}
    assert bring("activity", visits + "call,customer:1,Ask again,2026-02-01\n").outcomes == {
        "unchanged": 2,
        "created": 1,
    }


def test_one_record_may_be_named_in_two_spellings(crm, bring):
    bring("customer", "name\nAcme\n")
    orders = "customer,order date,number\nAcme,2026-01-10,1\nACME,2026-01-11,2\nacme,2026-01-12,3\n"
    assert bring("order", orders).outcomes == {"created": 3}


def test_an_empty_file_is_refused(bring):
    with pytest.raises(UsageError, match="cannot be read"):
        bring("customer", "")


def test_a_rejects_file_given_by_hand_overwrites_nothing_and_needs_its_folder(crm, bring, tmp_path):
    with pytest.raises(UsageError, match="is there already"):
        bring("customer", "name\nAcme\n", rejects=tmp_path / "file.csv")
    with pytest.raises(UsageError, match="there is no folder"):
        bring("customer", "name\nAcme\n", rejects=tmp_path / "nowhere" / "file.csv")
    assert (tmp_path / "file.csv").read_text() == "name\nAcme\n"


def test_a_row_without_any_key_is_read_again_as_the_file_says_now(crm, bring):
    visit = "kind,about,due date\ncall,customer:1,03/04/2026\n"
    bring("customer", "name\nAcme\n")
    assert bring("activity", visit, date_format="dd/mm/yyyy").outcomes == {"created": 1}
    assert bring("activity", visit, date_format="mm/dd/yyyy").outcomes == {"updated": 1}
    assert bring("activity", visit, date_format="mm/dd/yyyy").outcomes == {"unchanged": 1}
