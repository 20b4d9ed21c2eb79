"""The run of an import: rehearsed, interrupted and taken up again, repeated, and said of it what it did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from imported import listed, rejected, versions

from crmcore.errors import AccessDenied, ConfigError, UsageError, ValidationError
from crmcore.importing import as_mapping_file, import_file, plan_file
from crmcore.importing.register import imports

if TYPE_CHECKING:
    from pathlib import Path

    from imported import Bring

    from crmcore import CRM
    from crmcore.importing import Progress
    from crmcore.testing import Clock, MakeCRM

CUSTOMERS = "name,code\nA,1\nB,2\nC,3\nD,4\nE,5\n"
VISITS = "kind,about,summary,due date\n" + "call,customer:1,Ask,2026-02-01\n" * 5


class Interrupted(Exception):
    """What a test raises in the middle of an import."""


def interrupting(after: int) -> Any:
    """Return a progress callback that raises once so many rows are in."""

    def progress(progress: Progress) -> None:
        if progress.rows >= after:
            raise Interrupted

    return progress


# -- interrupted and taken up again ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_an_interrupted_import_goes_on_where_it_was(crm: CRM, bring: Bring) -> None:
    with pytest.raises(Interrupted):
        bring("customer", CUSTOMERS, progress=interrupting(2))
    assert listed(crm, "customer", "name") == [("A",), ("B",)]
    result = bring("customer", CUSTOMERS)
    assert (result.resumed, result.outcomes) == (2, {"created": 5})
    assert listed(crm, "customer", "name", "version") == [(name, 1) for name in "ABCDE"]
    with crm.session() as session:
        assert [(one.id, one.state) for one in imports(session)] == [(result.id, "finished")]


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_rows_without_a_key_are_counted_from_the_first_row_on(crm: CRM, bring: Bring) -> None:
    bring("customer", "name\nAcme\n", name="customer.csv")
    with pytest.raises(Interrupted):
        bring("activity", VISITS, progress=interrupting(2))
    assert bring("activity", VISITS).outcomes == {"created": 5}
    assert bring("activity", VISITS).outcomes == {"unchanged": 5}


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_rows_of_several_pages_that_are_done_with_are_counted_where_they_have_no_key(crm: CRM, bring: Bring) -> None:
    bring("customer", "name\nAcme\n", name="customer.csv")
    visits = VISITS + "call,customer:1,Offer,2026-03-01\n" * 2 + "call,customer:1,Ask,2026-02-01\n"
    with pytest.raises(Interrupted):
        bring("activity", visits, progress=interrupting(6))
    result = bring("activity", visits)
    assert (result.resumed, result.outcomes) == (6, {"created": 8})
    keys = [str(key).split(":") for (key,) in listed(crm, "activity", "external_id")]
    ask, offer = keys[0][0], keys[5][0]
    assert keys == [*([ask, str(n)] for n in range(1, 6)), [offer, "1"], [offer, "2"], [ask, "6"]]


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_all_that_is_told_of_an_import_is_of_the_whole_import(crm: CRM, bring: Bring) -> None:
    mapping = """
        [columns]
        name = "name"
        region = { field = "region", values = { "E" = "East" } }
        kind = "kind"
        founded = "founded_date"
        [skip]
        when = { name = ["Total"] }
    """
    text = "name,region,kind,founded\nA,E,shop,\nB,E,,\nC,,,2001-02-30\nTotal,E,,\nD,E,,\n"
    undisturbed = bring("customer", text, mapping=mapping, dry_run=True, date_format="yyyy-mm-dd")
    with pytest.raises(Interrupted):
        bring("customer", text, mapping=mapping, progress=interrupting(4), date_format="yyyy-mm-dd")
    result = bring("customer", text, mapping=mapping, date_format="yyyy-mm-dd")
    assert result.outcomes == undisturbed.outcomes == {"created": 2, "rejected": 2}
    assert result.cleaned == undisturbed.cleaned == {("region", "E", "East"): 3}
    assert result.skipped == undisturbed.skipped == 1
    assert [problem.line for problem in result.problems] == [2, 4]
    assert [row[0] for row in rejected(result)] == ["line", "2", "4"]


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_lines_of_an_order_are_compared_across_an_interruption(crm: CRM, bring: Bring) -> None:
    rows = ["S1,2026-01-10,Acme,1,5", "S1,2026-01-10,Acme,2,5", "S1,2026-01-11,Acme,3,5", "S1,2026-01-10,Acme,4,5"]
    text = "\n".join(["Order ID,Order Date,Customer,Line No,Line Amount", *rows])
    with pytest.raises(Interrupted):
        bring("order", text, create_missing=True, progress=interrupting(2))
    result = bring("order", text, create_missing=True)
    assert result.outcomes == {"created": 3, "rejected": 1}
    assert result.created == {"customer": 1, "order": 1, "order_line": 3}
    assert result.problems[0].message == 'line 2 of the same order has "2026-01-10" here'


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_an_interrupted_import_can_begin_anew(crm: CRM, bring: Bring) -> None:
    with pytest.raises(Interrupted):
        bring("customer", CUSTOMERS, progress=interrupting(2))
    result = bring("customer", CUSTOMERS, restart=True)
    assert (result.resumed, result.outcomes) == (0, {"unchanged": 2, "created": 3})


@pytest.mark.usefixtures("few_rows_a_chunk")
@pytest.mark.parametrize(
    "other", [{"on_match": "skip"}, {"create_missing": True}, {"mapping": '[columns]\nname = "name"\n'}]
)
def test_another_command_is_another_import(bring: Bring, other: dict[str, Any]) -> None:
    with pytest.raises(Interrupted):
        bring("customer", CUSTOMERS, progress=interrupting(2))
    assert bring("customer", CUSTOMERS, **other).resumed == 0


# -- rehearsed ------------------------------------------------------------------------------------------------------


def test_a_rehearsal_says_what_would_be_and_saves_nothing(crm: CRM, bring: Bring, tmp_path: Path) -> None:
    text = "Order ID,Order Date,Customer,Line Amount\nS1,2026-01-10,Acme,5\nS2,2026-01-10,Acme,much\n"
    result = bring("order", text, create_missing=True, dry_run=True)
    assert result.dry_run
    assert (result.outcomes, result.rejects) == ({"created": 1, "rejected": 1}, None)
    assert result.created == {"customer": 1, "order": 1, "order_line": 1}
    assert len(result.problems) == 1
    assert [listed(crm, entity, "id") for entity in ("customer", "order", "order_line")] == [[], [], []]
    assert [path.name for path in tmp_path.glob("*.rejects*")] == []
    wanted = tmp_path / "wanted.csv"
    assert rejected(bring("order", text, dry_run=True, rejects=wanted))[1][0] == "2"
    assert wanted.exists()
    with crm.session() as session:
        assert imports(session) == []


# -- what is asked of the file --------------------------------------------------------------------------------------


def test_an_import_that_may_save_nothing_is_not_begun(make_crm: MakeCRM, tmp_path: Path) -> None:
    roles = {
        "clerk": {"customer": {"read": True, "update": True}, "contact": {"read": True}, "order": {"create": True}}
    }
    crm = make_crm(enabled=["tabular"], roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "eve", "roles": ["clerk"]})
        session.create("customer", {"name": "Acme"})
    (tmp_path / "contacts.csv").write_text("name\nLi\n")
    (tmp_path / "orders.csv").write_text("number,order_date,product,quantity\nSO-1,2026-01-10,Lathe,1\n")
    (tmp_path / "customers.csv").write_text("id,name\ncustomer:1,Acme Ltd\n")

    for entity, refused in (("contact", "contact"), ("order", "order_line")):
        with pytest.raises(AccessDenied, match=f"eve may not create {refused}"):
            import_file(crm, tmp_path / f"{entity}s.csv", entity, actor="eve")
    changed = import_file(crm, tmp_path / "customers.csv", "customer", actor="eve")

    assert changed.outcomes == {"updated": 1}
    with crm.session() as session:
        assert [one.entity for one in imports(session)] == ["customer"]


def test_the_plan_is_shown_before_anything_is_written(crm: CRM, bring: Bring) -> None:
    shown = []

    def before(plan: Any, header: Any) -> None:
        shown.append((header.names, [column.target for column in plan.columns], listed(crm, "customer", "id")))

    bring("customer", "客户名称,colour\nAcme,red\n", before=before)
    assert shown == [(("客户名称", "colour"), ["name"], [])]


def test_options_are_given_to_the_reader_and_win_over_those_of_the_mapping_file(crm: CRM, tmp_path: Path) -> None:
    path, mapping = tmp_path / "gb.csv", tmp_path / "mapping.toml"
    path.write_bytes("名称;地区\n企业电子;华南\n".encode("gb18030"))
    mapping.write_text(
        '[file]\nencoding = "utf-8"\ndelimiter = ";"\n[columns]\n"名称" = "name"\n"地区" = "region"\n', "utf-8"
    )
    import_file(crm, path, "customer", mapping=mapping, options={"encoding": "gb18030"})
    assert listed(crm, "customer", "name", "region") == [("企业电子", "华南")]


def test_an_option_that_the_reader_does_not_have_is_refused(bring: Bring) -> None:
    with pytest.raises(ValidationError, match="encodin"):
        bring("customer", CUSTOMERS, options={"encodin": "utf-8"})
    with pytest.raises(ValidationError):
        bring("customer", CUSTOMERS, options={"encoding": 7})


def test_a_wrong_option_in_the_mapping_file_is_named_with_its_line(bring: Bring, tmp_path: Path) -> None:
    text = 'entty = "customer"\n[file]\nencodin = "utf-8"\n[columns]\nname = "name"\n'
    with pytest.raises(ConfigError) as caught:
        bring("customer", CUSTOMERS, mapping=text)
    found = [(one.file, one.line, one.message) for one in caught.value.problems]
    mapping = tmp_path / "mapping.toml"
    assert found == [(mapping, 1, "unknown key `entty`"), (mapping, 3, "unknown key `encodin`")]


def test_dates_that_can_be_read_in_two_ways_are_asked_about_before_anything_is_saved(crm: CRM, bring: Bring) -> None:
    with pytest.raises(UsageError, match="founded date"):
        bring("customer", "name,founded date\nA,03/04/2001\nB,05/06/2001\n")
    assert listed(crm, "customer", "id") == []
    bring("customer", "name,founded date\nA,03/04/2001\nB,05/06/2001\n", date_format="dd/mm/yyyy")
    assert [str(day) for (day,) in listed(crm, "customer", "founded_date")] == ["2001-04-03", "2001-06-05"]


def test_dates_are_settled_by_a_row_far_down(crm: CRM, bring: Bring) -> None:
    rows = "".join(f"C{n},03/04/2001\n" for n in range(1500))
    bring("customer", "name,founded date\n" + rows + "Last,13/04/2001\n")
    assert {str(day) for (day,) in listed(crm, "customer", "founded_date")} == {"2001-04-03", "2001-04-13"}


@pytest.mark.parametrize("text", ["name,code\n", "name,code\nname,code\n", "name,code\n\n\n"])
def test_a_file_without_rows_imports_nothing(crm: CRM, bring: Bring, text: str) -> None:
    result = bring("customer", text)
    assert (result.outcomes, result.problems, result.rejects) == ({}, (), None)


def test_a_header_that_comes_again_is_left_out(crm: CRM, bring: Bring) -> None:
    result = bring("customer", CUSTOMERS + CUSTOMERS.replace("A,1", "F,6"))
    assert result.outcomes == {"created": 6, "unchanged": 4}
    assert [code for (code,) in listed(crm, "customer", "code")] == ["1", "2", "3", "4", "5", "6"]


def test_rows_that_the_mapping_file_leaves_out_are_counted(crm: CRM, bring: Bring) -> None:
    mapping = '[columns]\nname = "name"\n[skip]\nwhen = { "name" = ["", "total"] }\n'
    result = bring("customer", "name,code\nA,1\nTotal,1\n,7\n", mapping=mapping)
    assert (result.outcomes, result.skipped) == ({"created": 1}, 2)


def test_an_unknown_entity_is_refused(bring: Bring) -> None:
    with pytest.raises(UsageError, match="no entity 'custmer'"):
        bring("custmer", CUSTOMERS)


def test_what_the_columns_mean_can_be_asked_without_importing(crm: CRM, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(CUSTOMERS)
    plan, source = plan_file(crm, tmp_path / "c.csv", "customer")
    assert [column.target for column in plan.columns] == ["name", "code"]
    assert source.header.names == ("name", "code")


# -- what is told of it ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_progress_counts_rows_and_the_share_of_the_file(bring: Bring) -> None:
    seen: list[Progress] = []
    bring("customer", CUSTOMERS, progress=seen.append)
    assert [one.rows for one in seen] == [0, 2, 4, 5]
    assert [one.fraction for one in seen] == [2 / 6, 3 / 6, 5 / 6, 1]
    assert {one.resumed for one in seen} == {0}


def test_only_the_first_hundred_problems_are_kept(bring: Bring) -> None:
    result = bring("customer", "name,kind\n" + "Acme,shop\n" * 150)
    assert len(result.problems) == 100
    assert len(rejected(result)) == 151


def test_records_carry_the_number_of_their_import(crm: CRM, bring: Bring) -> None:
    first = bring("customer", CUSTOMERS)
    second = bring("customer", CUSTOMERS.replace("A,1", "AA,1").replace("E,5", "F,6"))
    assert second.outcomes == {"unchanged": 3, "updated": 1, "created": 1}
    assert [number for (number,) in listed(crm, "customer", "import_id")] == [first.id] * 5 + [second.id]
    with crm.session() as session:
        (change,) = session.history("customer", 1)
    assert change.old == {"name": "A"}
    assert versions(crm, "customer") == {1, 2}


def test_a_value_in_another_currency_is_no_value_of_ours(bring: Bring) -> None:
    result = bring("customer", "name,annual revenue\nAcme,$100\n")
    assert re.search("not in CNY", result.problems[0].message)


def test_one_decimal_comma_among_whole_numbers_is_a_mistake_of_its_row(crm: CRM, bring: Bring) -> None:
    result = bring("customer", 'name,annual revenue\nA,7\nB,"12,5"\nC,9\n')
    assert (result.outcomes, [problem.line for problem in result.problems]) == ({"created": 2, "rejected": 1}, [3])


def test_a_declared_decimal_point_is_no_question_any_more(crm: CRM, bring: Bring, tmp_path: Path) -> None:
    text = 'name,annual revenue\nA,7\nB,"12,5"\nC,"1,500"\n'
    with pytest.raises(UsageError, match="has a decimal comma"):
        bring("customer", text)
    mapping = '[columns]\nname = "name"\n"annual revenue" = { field = "annual_revenue", decimal = "." }\n'
    result = bring("customer", text, mapping=mapping)
    assert result.outcomes == {"created": 2, "rejected": 1}
    assert 'decimal = "."' in as_mapping_file(result.plan)
    assert [amount for (amount,) in listed(crm, "customer", "annual_revenue")] == [7, 1500]


# -- rows of one record that contradict each other -------------------------------------------------------------------

CONTRADICTING = """code,name,phone,region
1,Acme,100,
2,Cancity,200,East
1,Acme,,North
1,ACME,101,
3,Bluth,300,
2,Cancity,200,West
1,ACME,101,North
"""
"""The rows in lines 5 and 7 say something else than earlier ones, that in line 4 something more."""


@pytest.mark.parametrize("rows_per_page", [2, 1000])
def test_rows_that_say_something_else_than_an_earlier_row_win_and_are_told(
    crm: CRM, bring: Bring, monkeypatch: pytest.MonkeyPatch, rows_per_page: int
) -> None:
    monkeypatch.setattr("crmcore.importing.rounds._ROWS_PER_PAGE", rows_per_page)
    first = bring("customer", CONTRADICTING)
    assert first.outcomes == {"created": 3, "updated": 3, "unchanged": 1}
    assert (first.overwriting, first.overwriting_lines) == (2, (5, 7))
    assert listed(crm, "customer", "name", "phone", "region") == [
        ("ACME", "101", "North"), ("Cancity", "200", "West"), ("Bluth", "300", None),
    ]  # fmt: skip
    again = bring("customer", CONTRADICTING)  # the records go back and forth
    assert (again.overwriting, again.overwriting_lines) == (2, (5, 7))
    mended = bring("customer", "code,name,phone\n1,Acme Inc,102\n2,Cancity,201\n")
    assert (mended.outcomes, mended.overwriting, mended.overwriting_lines) == ({"updated": 2}, 0, ())


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_contradictions_are_counted_over_an_interruption(crm: CRM, bring: Bring, crm_clock: Clock) -> None:
    bring("customer", CONTRADICTING)
    crm_clock.advance(hours=1)
    with pytest.raises(Interrupted):
        bring("customer", CONTRADICTING, progress=interrupting(4))
    crm_clock.advance(hours=1)
    result = bring("customer", CONTRADICTING)
    assert (result.resumed, result.overwriting, result.overwriting_lines) == (4, 2, (5, 7))


def test_what_somebody_changed_meanwhile_is_no_contradiction_of_the_file(crm: CRM, bring: Bring) -> None:
    bring("customer", "code,name,phone\n1,Acme,100\n")

    def change(_plan: object, _header: object) -> None:
        with crm.session() as session:
            session.update("customer", 1, {"phone": "999"})

    result = bring("customer", "code,name,phone\n1,Acme,101\n", before=change)
    assert (result.outcomes, result.overwriting) == ({"updated": 1}, 0)


def test_of_many_contradictions_the_first_lines_are_told(bring: Bring) -> None:
    result = bring("customer", "code,name\n" + "".join(f"1,Acme {n}\n" for n in range(9)))
    assert (result.overwriting, result.overwriting_lines) == (8, (3, 4, 5, 6, 7))
