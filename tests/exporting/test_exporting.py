"""Exporting: what is written is what importing reads, in the language that is spoken, as far as one may read it."""

from __future__ import annotations

import csv
import json
import zipfile
from decimal import Decimal
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from crmcore.errors import ConditionError, PluginError, UsageError, ValidationError
from crmcore.exporting import export_file
from crmcore.i18n import speaking
from crmcore.importing import import_file
from crmcore.types import Importer, Plugin

ROLES = {
    "sales": {
        "user": {"read": True},
        "customer": {"read": "region = 'East'", "hide": ["credit_limit", "code"]},
        "order": {"read": True},
    }
}


@pytest.fixture
def crm(make_crm, database_url):
    return make_crm(enabled=["tabular", "vcard"], database_url=database_url, roles=ROLES, timezone="Asia/Shanghai")


@pytest.fixture
def write(crm, tmp_path):
    def write(entity, name="out.csv", *, crm=crm, actor=None, **settings):
        path = tmp_path / name
        with crm.session(*[actor] if actor else [], read_only=True) as session:
            return export_file(session, entity, path, replace=True, **settings)

    return write


def table(written):
    with written.path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def fill(crm):
    """Make records with every kind of value, some of them awkward."""
    with crm.session() as session:
        session.create("user", {"login": "li", "name": "李娜", "roles": ["sales"]})
        session.create("user", {"login": "wang", "name": "王伟"})
        session.create(
            "customer",
            {
                "code": "007",
                "name": "佛山企业电子",
                "kind": "organisation",
                "region": "East",
                "key_customer": True,
                "founded_date": "2001-02-03",
                "annual_revenue": "1234567.5000",
                "credit_limit": "1000.0001",
                "employees": 42,
                "owner": 1,
                "tags": ["重点", "a,b", "c;d"],
                "notes": 'first line\nsecond, "quoted"\n=1+1',
            },
        )
        session.create("customer", {"name": "Acme", "kind": "organisation", "region": "West"})
        session.create("customer", {"name": "Acme", "kind": "person", "region": "East"}, on_match="create")
        session.create("customer", {"name": "王伟", "kind": "person", "mobile": "13800138000", "key_customer": False})
        for number, customer in (("S1", 1), ("S2", 2), ("S3", 3), ("S4", 4)):
            values = {"number": number, "customer": customer, "order_date": "2026-01-10", "amount": "5.10"}
            session.create("order", values)
        session.create("contact", {"name": "张三", "customer": 1, "email": "z@example.cn", "gender": "male"})
        session.create("contact", {"name": "李四", "reports_to": 1, "birthday": "1985-04-15", "mobile": "139"})
        session.create(
            "activity",
            {"subject": "customer:1", "kind": "visit", "happened_at": "2026-11-20T01:30:00Z", "summary": "拜访"},
        )


@pytest.fixture
def filled(crm):
    fill(crm)
    return crm


def test_headers_are_titles_and_values_words_of_the_language_that_is_spoken(filled, write):
    fields = ["name", "kind", "key_customer", "founded_date", "annual_revenue", "employees", "owner", "tags"]
    with speaking("zh-CN"):
        chinese = table(write("customer", fields=fields, where="id = 1"))
    assert chinese == [
        ["编号", "客户名称", "主体类型", "重点客户", "成立日期", "年营业额", "员工人数", "负责人", "标签"],
        ["customer:1", "佛山企业电子", "企业", "是", "2001-02-03", "1234567.50", "42", "li", chinese[1][8]],
    ]
    english = table(write("customer", fields=["name", "kind", "key_customer"], order="-id", where="id >= 3"))
    assert english == [
        ["ID", "Name", "Kind", "Key customer"],
        ["customer:4", "王伟", "Person", "no"],
        ["customer:3", "Acme", "Person", "no"],
    ]


def test_with_codes_headers_are_names_and_values_codes(filled, write):
    written = table(write("customer", fields=["name", "kind", "key_customer"], where="id = 1", codes=True))
    assert written == [["id", "name", "kind", "key_customer"], ["customer:1", "佛山企业电子", "organisation", "true"]]


def test_json_lines_are_for_programs(filled, write):
    fields = ["name", "kind", "key_customer", "annual_revenue", "founded_date", "tags", "owner", "region"]
    with speaking("zh-CN"):
        written = write("customer", "out.jsonl", fields=fields, where="id = 1")
    assert [json.loads(line) for line in written.path.read_text(encoding="utf-8").splitlines()] == [
        {
            "id": "customer:1",
            "name": "佛山企业电子",
            "kind": "organisation",
            "key_customer": True,
            "annual_revenue": "1234567.50",
            "founded_date": "2001-02-03",
            "tags": ["重点", "a,b", "c;d"],
            "owner": "li",
            "region": "East",
        }
    ]


def test_references_are_written_so_that_they_find_the_same_record(filled, write):
    """A code, a name that one record has, a reference for a name that two have; and the key of a person."""
    found = dict(row for row in table(write("order", fields=["number", "customer"], with_id=False))[1:])
    assert found == {"S1": "007", "S2": "customer:2", "S3": "customer:3", "S4": "王伟"}


def test_a_name_that_is_the_code_of_another_record_is_not_used(crm, write):
    with crm.session() as session:
        session.create("customer", {"name": "X", "code": "Acme"})
        session.create("customer", {"name": "Acme", "kind": "organisation", "phone": "1"})
        session.create("customer", {"name": "customer:1", "kind": "person", "mobile": "138"})
        for customer in (1, 2, 3):
            session.create("order", {"number": f"S{customer}", "customer": customer, "order_date": "2026-01-10"})
    found = dict(row for row in table(write("order", fields=["number", "customer"], with_id=False))[1:])
    assert found == {"S1": "Acme", "S2": "1", "S3": "138"}


def test_instants_are_local_with_their_offset_and_any_references_as_they_are(filled, write):
    written = table(write("activity", fields=["subject", "happened_at"], codes=True, with_id=False))
    assert written[1] == ["customer:1", "2026-11-20T09:30:00+08:00"]


ENTITIES = ("user", "customer", "contact", "order", "activity")


@pytest.mark.parametrize(("suffix", "language"), [("csv", "en"), ("csv", "zh-CN"), ("jsonl", "en"), ("xlsx", "zh-CN")])
def test_an_export_imported_again_changes_nothing(filled, write, suffix, language):
    with speaking(language):
        for entity in ENTITIES:
            written = write(entity, f"{entity}.{suffix}")
            result = import_file(filled, written.path, entity)
            assert (entity, result.problems, dict(result.outcomes)) == (entity, (), {"unchanged": written.records})
            assert result.plan.unknown == result.plan.repeated == ()


@pytest.mark.parametrize(("suffix", "codes"), [("csv", False), ("csv", True), ("jsonl", True), ("xlsx", False)])
def test_an_export_without_ids_makes_the_same_records_elsewhere(make_crm, write, suffix, codes):
    here, there = make_crm(enabled=["tabular"]), make_crm(enabled=["tabular"])
    fill(here)
    with here.session() as session:  # what only our references tell apart is none of a file without them
        session.update("customer", 2, {"name": "Bluth"})
    for entity in ENTITIES:
        written = write(entity, f"{entity}.{suffix}", crm=here, with_id=False, codes=codes)
        result = import_file(there, written.path, entity)
        assert (entity, result.problems, dict(result.outcomes)) == (entity, (), {"created": written.records})
        assert values(there, entity) == values(here, entity)


def values(crm, entity):
    """Return the values of all records in their order; the two instances gave them the same ids."""
    kept = {"created_at", "created_by", "updated_at", "updated_by", "version", "import_id", "source", "external_id"}
    with crm.session(read_only=True) as session:
        records = [record.as_json() for record in session.iterate(entity, order="id")]
    return [{name: value for name, value in record.items() if name not in kept} for record in records]


def test_an_edited_cell_changes_the_record_that_the_row_is_of(filled, write):
    written = write("customer", fields=["name", "region"], where="name = 'Acme'")
    text = written.path.read_text(encoding="utf-8-sig").replace("Acme,West", "Bluth,North")
    written.path.write_text(text, encoding="utf-8")
    assert import_file(filled, written.path, "customer").outcomes == {"updated": 1, "unchanged": 1}
    with filled.session(read_only=True) as session:
        assert (session.get("customer", 2).name, session.get("customer", 2).region) == ("Bluth", "North")


def test_contacts_are_written_as_cards_with_the_names_of_their_companies(filled, write):
    written = write("contact", "people.vcf", where="id = 1")
    lines = written.path.read_text(encoding="utf-8").split("\n")
    assert {"FN:张三", "ORG:佛山企业电子", "EMAIL:z@example.cn", "GENDER:M"} <= set(lines)
    assert import_file(filled, written.path, "contact").outcomes == {"unchanged": 1}


def test_what_a_card_is_not_for_is_refused(filled, write):
    with pytest.raises(UsageError, match="no column is a name"):
        write("order", "orders.vcf")
    assert not list((write("order").path.parent).glob("*.vcf"))


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "'=1", "''x", "+86 10-8888", "-5"]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_text_that_a_spreadsheet_would_compute_is_text_and_comes_back(crm, write, suffix):
    with crm.session() as session:
        for number, text in enumerate(FORMULAS):
            session.create("customer", {"name": f"C{number}", "notes": text.strip(), "phone": text.strip()})
    written = write("customer", f"out.{suffix}", fields=["name", "notes", "phone"])
    assert import_file(crm, written.path, "customer").outcomes == {"unchanged": len(FORMULAS)}


def test_formulas_are_neutralised_in_csv(crm, write):
    with crm.session() as session:
        session.create("customer", {"name": "=HYPERLINK(1)", "phone": "+86 10-8888", "notes": "-2+3*cmd"})
    written = table(write("customer", fields=["name", "phone", "notes"], with_id=False))
    assert written[1] == ["'=HYPERLINK(1)", "+86 10-8888", "'-2+3*cmd"]


def test_cells_of_a_workbook_have_the_types_of_their_values_and_no_formula(filled, write):
    with filled.session() as session:
        session.update("customer", 1, {"short_name": "=1+1"})
    fields = ["code", "short_name", "annual_revenue", "employees", "key_customer"]
    written = write("customer", "out.xlsx", fields=fields, where="id = 1")
    with zipfile.ZipFile(written.path) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    space = {"": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    assert sheet.findall(".//f", space) == []
    cells = sheet.findall(".//row", space)[1].findall("c", space)
    assert [(cell.get("t", "n"), "".join(cell.itertext())) for cell in cells] == [
        ("inlineStr", "customer:1"),
        ("inlineStr", "007"),
        ("inlineStr", "=1+1"),
        ("n", "1234567.5"),
        ("n", "42"),
        ("inlineStr", "yes"),
    ]


def test_rows_and_fields_that_one_may_not_read_are_left_out(filled, write):
    written = write("customer", actor="li")
    assert "credit_limit" not in written.headers.values()
    assert "code" not in written.headers.values()
    rows = table(written)
    assert [row[0] for row in rows[1:]] == ["customer:1", "customer:3"]
    assert not any("1000.0001" in cell for row in rows for cell in row)


@pytest.mark.parametrize("settings", [{"fields": ["credit_limit"]}, {"fields": ["信用额度"]}])
def test_a_field_that_one_may_not_read_is_refused_by_name(filled, write, settings):
    with pytest.raises(UsageError, match="customer has no field"):
        write("customer", actor="li", **settings)


@pytest.mark.parametrize("settings", [{"where": "credit_limit > 1"}, {"order": "credit_limit"}])
def test_conditions_over_a_hidden_field_are_refused(filled, write, settings):
    with pytest.raises(ConditionError):
        write("customer", actor="li", **settings)


def test_references_to_records_that_one_may_not_see_are_references(filled, write):
    """Customer 2 is not in the east, and the code of customer 1 is hidden."""
    found = dict(row for row in table(write("order", fields=["number", "customer"], with_id=False, actor="li"))[1:])
    assert found == {"S1": "佛山企业电子", "S2": "customer:2", "S3": "Acme", "S4": "customer:4"}


def test_an_unknown_field_is_refused_with_what_was_meant(filled, write):
    with pytest.raises(UsageError, match=r"customer has no field 'regoin'[\s\S]*region"):
        write("customer", fields=["name", "regoin"])


def test_fields_may_be_called_by_title_and_the_core_keeps_some_of_its_own(filled, write):
    written = write("customer", fields=["客户名称", "version", "created_at"], where="id = 1", with_id=False)
    assert written.headers == {"Name": "name", "Version": "version", "Created at": "created_at"}
    assert import_file(filled, written.path, "customer").plan.left_out == ("Version", "Created at")


COMPUTED = {
    "$schema": "urn:crmcore:extension:1",
    "properties": {
        "group": {
            "type": "string",
            "x-crm": {"readonly": True, "titles": {"en": "Customer type", "zh-CN": "客户类型"}},
        },
        "rank": {"type": "integer", "x-crm": {"readonly": True, "titles": {"en": "Rank", "zh-CN": "名次"}}},
    },
}


def test_fields_that_nobody_fills_are_exported_and_left_out_when_they_come_back(make_crm, write):
    """The title of `group` means another field to an import, so that it is called by its name."""
    plugin = Plugin(
        manifest={"name": "tests", "version": "1.0", "summary": "Segments."},
        module=SimpleNamespace(),
        schemas={"customer.extend.json": COMPUTED},
    )
    crm = make_crm(enabled=["tabular"], plugins=[plugin])
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "customer_type": "dealer"})
    written = write("customer", crm=crm, fields=["name", "customer_type", "group", "rank"])
    assert list(written.headers) == ["ID", "Name", "Customer type", "group", "Rank"]
    result = import_file(crm, written.path, "customer")
    assert result.outcomes == {"unchanged": 1}
    assert result.plan.left_out == ("group", "Rank")


def test_a_table_of_several_pages_is_written_whole_and_in_order(crm, write):
    with crm.session() as session:
        session.save_many("customer", ({"name": f"C{n:04}", "code": f"K{n:04}"} for n in range(2500)))
        rows = ({"number": f"S{n}", "customer": n % 2500 + 1, "order_date": "2026-01-10"} for n in range(2501))
        session.save_many("order", rows)
    rows = table(write("order", fields=["number", "customer"], order="-id", with_id=False))[1:]
    assert len(rows) == 2501
    assert rows[0] == ["S2500", "K0000"]
    assert rows[-1] == ["S0", "K0000"]


def test_an_empty_table_has_its_headers(crm, write):
    written = write("customer", fields=["name", "kind"])
    assert (written.records, table(written)) == (0, [["ID", "Name", "Kind"]])


def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(filled, tmp_path):
    path = tmp_path / "there.csv"
    path.write_text("mine")
    with filled.session(read_only=True) as session:
        with pytest.raises(UsageError, match="is there already"):
            export_file(session, "customer", path)
        assert path.read_text() == "mine"
        export_file(session, "customer", path, replace=True)
    assert path.read_text(encoding="utf-8-sig").startswith("ID,")


def test_nothing_is_left_of_an_export_that_failed(filled, tmp_path):
    with filled.session(read_only=True) as session:
        with pytest.raises(UsageError, match="cannot be written"):
            export_file(session, "customer", tmp_path / "nowhere" / "out.csv")
        with pytest.raises(ConditionError):
            export_file(session, "customer", tmp_path / "out.csv", where="name ~ 1")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "out.pdf"}, r"no enabled plugin writes \.pdf files[\s\S]*csv"),
        ({"format": "klingon"}, "no enabled plugin writes klingon files"),
        ({"entity": "costumer"}, "there is no entity 'costumer'"),
    ],
)
def test_what_cannot_be_meant_is_refused(filled, write, settings, message):
    with pytest.raises(UsageError, match=message):
        write(**{"entity": "customer", **settings})


def test_an_option_that_the_format_does_not_have_is_refused(filled, write):
    with pytest.raises(ValidationError, match="unknown key `colour`"):
        write("customer", options={"colour": "red"})


def test_options_are_the_writers(filled, write):
    written = write("customer", fields=["name"], with_id=False, where="id = 1", options={"encoding": "gb18030"})
    assert written.path.read_bytes().decode("gb18030").split() == ["Name", "佛山企业电子"]


def test_a_writer_that_fails_is_its_plugins_failure(make_crm, write):
    def broken(path, headers, rows, options):
        raise ZeroDivisionError

    plugin = Plugin(
        manifest={"name": "tests", "version": "1.0", "summary": "Breaks."},
        module=SimpleNamespace(crm_importers=_hook(lambda: [_importer("odd", broken), _importer("mute", None)])),
    )
    crm = make_crm(plugins=[plugin])
    with pytest.raises(PluginError, match=r"plugin tests 1\.0 failed in odd: ZeroDivisionError"):
        write("customer", "out.odd", crm=crm)
    with pytest.raises(UsageError, match=r"no enabled plugin writes \.mute files"):
        write("customer", "out.mute", crm=crm)


def _hook(function):
    from crmcore import hookimpl

    def crm_importers():
        return function()

    return hookimpl(crm_importers)


def _importer(name, write):
    return Importer(name=name, suffixes=[f".{name}"], read=lambda path, options: iter(()), write=write)


def test_small_numbers_are_written_without_exponents(make_crm, write):
    extension = {
        "$schema": "urn:crmcore:extension:1",
        "properties": {"share": {"type": "number", "x-crm": {"titles": {"en": "Share", "zh-CN": "份额"}}}},
    }
    plugin = Plugin(
        manifest={"name": "tests", "version": "1.0", "summary": "Shares."},
        module=SimpleNamespace(),
        schemas={"customer.extend.json": extension},
    )
    crm = make_crm(enabled=["tabular"], plugins=[plugin])
    with crm.session() as session:
        session.save_many("customer", [{"name": "A", "share": 1e-7}, {"name": "B", "share": 1.5}])
    written = write("customer", crm=crm, fields=["share"], with_id=False)
    assert table(written) == [["Share"], ["0.0000001"], ["1.5"]]
    assert Decimal(table(written)[1][0]) == Decimal("1e-7")


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_smallest_and_the_largest_numbers_come_back(make_crm, write, suffix):
    extension = {"$schema": "urn:crmcore:extension:1", "properties": {"share": {"type": "number"}}}
    plugin = Plugin(
        manifest={"name": "tests", "version": "1.0", "summary": "Shares."},
        module=SimpleNamespace(),
        schemas={"customer.extend.json": extension},
    )
    crm = make_crm(enabled=["tabular"], plugins=[plugin])
    shares = [5e-324, 4.565221503757747e-52, 1.2345678901234567e-40, 1.2e22, 1.7976931348623157e308]
    with crm.session() as session:
        session.save_many("customer", [{"name": str(share), "share": share} for share in shares])
    result = import_file(crm, write("customer", f"out.{suffix}", crm=crm).path, "customer")
    assert (result.problems, result.outcomes) == ((), {"unchanged": len(shares)})
