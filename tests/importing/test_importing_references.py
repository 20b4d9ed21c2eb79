"""References of imported rows: found by key, name or several fields, created where that is wished, and those to rows
further down in the same file."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from imported import listed, named, rejected, versions
from sqlalchemy import text

from crmcore import hookimpl
from crmcore.errors import AccessDenied, ConfigError
from crmcore.importing import import_file
from crmcore.types import Importer, Plugin, SourceHeader, SourceRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imported import Bring

    from crmcore import CRM
    from crmcore.importing import Progress
    from crmcore.testing import MakeCRM

ORDERS = "number,customer,order date\nS1,Acme,2026-01-10\nS2,ACME ,2026-01-11\nS3,Cancity,2026-01-12\n"


def test_what_is_not_there_is_rejected_with_the_option_that_creates_it(crm: CRM, bring: Bring) -> None:
    result = bring("order", ORDERS)
    assert result.outcomes == {"rejected": 3}
    assert rejected(result)[1][1] == (
        'customer: there is no customer "Acme" (--create-missing creates what is not there.)'
    )
    assert {problem.code for problem in result.problems} == {"reference"}
    assert listed(crm, "customer", "name") == []


def test_what_is_missing_is_created_once_by_its_name(crm: CRM, bring: Bring) -> None:
    result = bring("order", ORDERS, create_missing=True)
    assert result.outcomes == {"created": 3}
    assert result.created == {"customer": 2}
    assert named(crm, "order", "customer", "customer") == [("S1", "Acme"), ("S2", "Acme"), ("S3", "Cancity")]
    assert set(listed(crm, "customer", "import_id")) == {(result.id,)}


def test_a_repeat_creates_nothing(crm: CRM, bring: Bring) -> None:
    bring("order", ORDERS, create_missing=True)
    again = bring("order", ORDERS, create_missing=True)
    assert (again.outcomes, again.created) == ({"unchanged": 3}, {})
    assert versions(crm, "customer") == {1}


def test_a_user_without_a_key_is_known_again_by_name(crm: CRM, bring: Bring) -> None:
    text = "code,stage,owner\nD1,won,Moses Frase\nD2,won,moses frase\n"
    assert bring("opportunity", text, create_missing=True).created == {"user": 1}
    assert bring("opportunity", text.replace("D1", "D3"), create_missing=True).created == {}
    assert named(crm, "opportunity", "owner", "user") == [(None, "Moses Frase")] * 3


def test_a_name_that_two_have_is_neither_guessed_nor_created(crm: CRM, bring: Bring) -> None:
    with crm.session() as session:
        for _twice in range(2):
            session.create("customer", {"name": "Acme"}, on_match="create")
    result = bring("order", "customer,order date\nAcme,2026-01-10\n", create_missing=True)
    assert result.outcomes == {"rejected": 1}
    assert result.created == {}


def test_a_reference_that_leads_nowhere_is_never_created(crm: CRM, bring: Bring) -> None:
    result = bring("order", "customer,order date\ncustomer:99,2026-01-10\n", create_missing=True)
    assert result.outcomes == {"rejected": 1}
    assert listed(crm, "customer", "name") == []


def test_a_row_that_is_bad_anyway_creates_nothing(crm: CRM, bring: Bring) -> None:
    result = bring("order", "customer,order date\nAcme,2026-02-30\n", create_missing=True, date_format="yyyy-mm-dd")
    assert result.outcomes == {"rejected": 1}
    assert listed(crm, "customer", "name") == []


def test_what_cannot_be_created_is_the_row_s_problem(crm: CRM, bring: Bring) -> None:
    result = bring("order", f"customer,order date\n{'A' * 201},2026-01-10\n", create_missing=True)
    assert result.outcomes == {"rejected": 1}
    assert "the missing customer could not be created: " in result.problems[0].message


def test_whoever_may_not_create_what_is_missing_is_told(make_crm: MakeCRM, bring: Bring, tmp_path) -> None:
    crm = make_crm(enabled=["tabular"], roles={"sales": {"*": {"read": True}, "order": {"create": True, "read": True}}})
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
    (tmp_path / "orders.csv").write_text(ORDERS)
    with pytest.raises(AccessDenied, match="anna may not create customer"):
        import_file(crm, tmp_path / "orders.csv", "order", actor="anna", create_missing=True)


# -- several columns that describe one record -----------------------------------------------------------------------

DESCRIBED = "Order ID,Order Date,Customer ID,Customer Name\nS1,2026-01-10,K-1,Acme\nS2,2026-01-11,K-1,ACME Inc.\n"


def test_several_columns_describe_the_record_that_they_lead_to(crm: CRM, bring: Bring) -> None:
    result = bring("order", DESCRIBED, create_missing=True)
    assert [column.target for column in result.plan.columns][2:] == ["customer.code", "customer.name"]
    assert result.created == {"customer": 1}
    assert listed(crm, "customer", "code", "name") == [("K-1", "Acme")]
    assert named(crm, "order", "customer", "customer") == [("S1", "Acme"), ("S2", "Acme")]


def test_a_described_record_that_is_there_is_found_and_not_changed(crm: CRM, bring: Bring) -> None:
    bring("customer", "code,name\nK-1,Acme Limited\n")
    result = bring("order", DESCRIBED)
    assert result.outcomes == {"created": 2}
    assert listed(crm, "customer", "code", "name", "version") == [("K-1", "Acme Limited", 1)]


def test_the_same_name_under_another_code_is_another_record(crm: CRM, bring: Bring) -> None:
    bring("customer", "code,name\nK-9,Acme\n")
    assert bring("order", DESCRIBED, create_missing=True).created == {"customer": 1}
    assert listed(crm, "customer", "code") == [("K-9",), ("K-1",)]


def test_a_described_record_that_is_missing_is_named_as_the_file_has_it(bring: Bring) -> None:
    result = bring("order", DESCRIBED)
    assert result.outcomes == {"rejected": 2}
    assert result.problems[0].message == 'there is no customer "K-1, Acme"'
    assert result.problems[0].field == "Customer ID"


def test_a_record_described_by_its_name_alone_is_found_by_it(crm: CRM, bring: Bring) -> None:
    mapping = '[columns]\nnumber = "number"\nday = "order_date"\nagent = "owner.name"\nbuyer = "customer.name"\n'
    text = "number,day,agent,buyer\nS1,2026-01-10,Li Wei,Acme\nS2,2026-01-10,li wei,Acme\n"
    assert bring("order", text, mapping=mapping, create_missing=True).created == {"customer": 1, "user": 1}
    assert bring("order", text.replace("S1", "S3"), mapping=mapping).outcomes == {"created": 1, "unchanged": 1}
    assert listed(crm, "user", "name") == [("Li Wei",)]


def test_a_deleted_record_is_neither_found_nor_created_again(crm: CRM, bring: Bring) -> None:
    bring("customer", "code,name\nK-1,Acme\n")
    with crm.session() as session:
        session.delete("customer", 1)
    result = bring("order", DESCRIBED, create_missing=True)
    assert result.outcomes == {"rejected": 2}
    assert result.problems[0].message == 'the customer "K-1, Acme" was deleted'


# -- what whoever imports may not see --------------------------------------------------------------------------------

COLLEAGUE = {
    "customer": {"read": "owner = me", "create": True, "hide": ["code"]},
    "order": {"create": True, "read": True},
}


@pytest.fixture
def anna(make_crm: MakeCRM, database_url: str) -> CRM:
    """Anna has Acme, K-1, and may not read codes; Beta, K-2, is somebody else's."""
    crm = make_crm(enabled=["tabular"], roles={"sales": COLLEAGUE}, database_url=database_url)
    with crm.session() as session:
        user = session.create("user", {"login": "anna", "roles": ["sales"]})
        session.create("customer", {"code": "K-1", "name": "Acme", "owner": user.id})
        session.create("customer", {"code": "K-2", "name": "Beta", "registration_number": "R-2"})
    return crm


def _brought(crm: CRM, folder: Path, text: str, **options: Any) -> list[str]:
    (folder / "orders.csv").write_text(text, encoding="utf-8")
    result = import_file(crm, folder / "orders.csv", "order", actor="anna", **options)
    return [problem.message for problem in result.problems]


def test_records_are_not_looked_for_by_a_field_that_the_actor_may_not_read(anna: CRM, tmp_path: Path) -> None:
    named_so = "number,customer,order date\nS1,K-1,2026-01-10\nS2,K-3,2026-01-10\nS3,Acme,2026-01-10\n"
    assert _brought(anna, tmp_path, named_so) == ['there is no customer "K-1"', 'there is no customer "K-3"']
    for create_missing in (False, True):
        described = DESCRIBED.replace("K-1", "K-3", 1)
        said = _brought(anna, tmp_path, described, create_missing=create_missing)
        assert said == ["customer.code: you may not look for records by this field"] * 2
    assert named(anna, "order", "customer", "customer", "code") == [("S3", "K-1")]


def test_a_deleted_record_that_the_actor_could_not_see_is_not_told_of(anna: CRM, tmp_path: Path) -> None:
    with anna.session() as session:
        session.update("customer", 1, {"registration_number": "R-1"})
        for id in (1, 2):
            session.delete("customer", id)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[columns]\nday = "order_date"\nof = "customer.registration_number"\n', encoding="utf-8")
    text = "day,of\n2026-01-10,R-1\n2026-01-11,R-2\n2026-01-12,R-3\n"
    assert _brought(anna, tmp_path, text, mapping=mapping) == [
        'the customer "R-1" was deleted',
        'there is no customer "R-2"',
        'there is no customer "R-3"',
    ]


# -- references to rows further down --------------------------------------------------------------------------------

FAMILY = "name,parent\nDaughter,Mother\nMother,Grandmother\nGrandmother,\n"


@pytest.mark.usefixtures("few_rows_a_chunk")
@pytest.mark.parametrize("create_missing", [False, True])
def test_a_parent_may_come_after_its_children(crm: CRM, bring: Bring, create_missing: bool) -> None:
    result = bring("customer", FAMILY, create_missing=create_missing)
    assert (result.outcomes, result.created, result.problems, result.rejects) == ({"created": 3}, {}, (), None)
    assert sorted(named(crm, "customer", "parent", "customer")) == [
        ("Daughter", "Mother"),
        ("Grandmother", None),
        ("Mother", "Grandmother"),
    ]
    assert bring("customer", FAMILY, create_missing=create_missing).outcomes == {"unchanged": 3}


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_what_no_row_brings_stays_rejected_and_the_rest_gets_in(crm: CRM, bring: Bring) -> None:
    result = bring("customer", FAMILY.replace("Grandmother,\n", "Grandmother,Nobody\n") + "Other,\n")
    assert result.outcomes == {"rejected": 3, "created": 1}
    assert [row[0] for row in rejected(result)[1:]] == ["2", "3", "4"]
    assert re.match('parent: there is no customer "Nobody"', rejected(result)[3][1])


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_a_circle_is_closed_by_creating_what_is_missing(crm: CRM, bring: Bring) -> None:
    circle = "name,parent,region\nHen,Egg,East\nEgg,Hen,West\n"
    assert bring("customer", circle).outcomes == {"rejected": 2}
    bring("customer", circle, create_missing=True)
    assert sorted(named(crm, "customer", "parent", "customer")) == [("Egg", "Hen"), ("Hen", "Egg")]
    assert sorted(listed(crm, "customer", "name", "region")) == [("Egg", "West"), ("Hen", "East")]


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_rows_that_wait_keep_their_place_among_rows_like_them(crm: CRM, bring: Bring) -> None:
    # Users without a login have no key, so a repeat knows them by what is in the row and how often it came before.
    users = "name,manager\nAnn,Zoe\nAnn,Zoe\nBob,\nZoe,\n"
    assert bring("user", users).outcomes == {"created": 4}
    assert bring("user", users).outcomes == {"unchanged": 4}


def test_a_row_that_waits_and_turns_out_bad_has_its_own_reason(crm: CRM, bring: Bring) -> None:
    result = bring("customer", f"name,parent,region\nDaughter,Mother,{'E' * 101}\nMother,,\n")
    assert result.outcomes == {"created": 1, "rejected": 1}
    (row,) = rejected(result)[1:]
    assert row[1].startswith("region: ")
    assert "Mother" not in row[1]


def test_a_bad_cell_and_a_name_that_leads_nowhere_are_told_at_once(bring: Bring) -> None:
    result = bring("order", "number,customer,order date\nS1,Acme,soon\n")
    assert [problem.field for problem in result.problems] == ["order date", "customer"]


def test_a_bad_row_is_not_blamed_for_a_record_that_a_later_row_brings(crm: CRM, bring: Bring) -> None:
    result = bring("customer", "name,parent,founded date\nBranch,Acme,soon\nAcme,,\n")
    assert [problem.field for problem in result.problems] == ["founded date"]
    assert listed(crm, "customer", "name") == [("Acme",)]


def test_rows_that_wait_are_taken_page_by_page(crm: CRM, bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmcore.store.imports._ROWS_PER_PAGE", 2)
    monkeypatch.setattr("crmcore.importing.rounds._ROWS_PER_PAGE", 3)
    chain = "".join(f"C{number},C{number + 1}\n" for number in range(9))
    result = bring("customer", f"name,parent\n{chain}X,Nobody\nC9,\n")
    assert result.outcomes == {"created": 10, "rejected": 1}
    assert named(crm, "customer", "parent", "customer")[-1] == ("C0", "C1")


# -- rows that wait, in files that have several rows in a line -------------------------------------------------------


def read_several(path: Path, options: object) -> Iterator[SourceHeader | SourceRow]:
    """Read a line as several rows, parted by bars."""
    yield SourceHeader(["code", "name", "parent"])
    for line, written in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for row in written.split("|"):
            yield SourceRow(line, dict(zip(("code", "name", "parent"), row.split(","), strict=True)))


@pytest.fixture
def several(make_crm: MakeCRM, tmp_path: Path) -> tuple[CRM, Path]:
    """A CRM whose reader gives several rows for a line, and a file for it."""
    importer = Importer(name="several", suffixes=[".several"], read=read_several)
    hooks = SimpleNamespace(crm_importers=hookimpl(lambda: [importer]))
    plugin = Plugin(manifest={"name": "several", "version": "1", "summary": "x"}, module=hooks)
    return make_crm(plugins=[plugin]), tmp_path / "file.several"


def test_the_row_that_waits_is_saved_where_several_begin_in_its_line(several: tuple[CRM, Path]) -> None:
    crm, path = several
    path.write_text("A,Alpha,|B,Beta,C|X,Chi,Nobody|Y,,\nC,Gamma,\n", encoding="utf-8")
    result = import_file(crm, path, "customer")
    assert result.outcomes == {"created": 3, "rejected": 2}
    assert [(problem.line, problem.field) for problem in result.problems] == [(1, "parent"), (1, "name")]
    assert listed(crm, "customer", "code") == [("A",), ("C",), ("B",)]
    assert named(crm, "customer", "parent", "customer") == [("Alpha", None), ("Gamma", None), ("Beta", "Gamma")]


@pytest.mark.usefixtures("few_rows_a_chunk")
def test_rows_that_wait_in_a_database_from_before_their_positions_are_found_by_their_lines(
    several: tuple[CRM, Path],
) -> None:
    crm, path = several
    path.write_text("A,Alpha,D\nB,Beta,D\nC,Gamma,\nD,Delta,\n", encoding="utf-8")

    def stop(progress: Progress) -> None:
        if progress.rows:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(crm, path, "customer", progress=stop)
    with crm.engine.begin() as connection:
        connection.execute(text("ALTER TABLE crmcore_reject DROP COLUMN position"))
        connection.execute(text("UPDATE crmcore_installed SET digest = 'of before' WHERE origin = 'core'"))
    assert crm.upgrade().origins == ("core",)
    result = import_file(crm, path, "customer")

    assert (result.resumed, result.outcomes) == (2, {"created": 4})


VISITS = """
[columns]
"客户" = { field = "subject", of = "customer" }
"类型" = "kind"
"时间" = "happened_at"
"""


def test_references_to_anything_name_records_of_a_declared_entity(crm: CRM, bring: Bring) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "code": "0017"})
    cells = ("acme ", "0017", "customer:1", "佛山")
    rows = "\n".join(["客户,类型,时间", *(f"{cell},call,2026-01-1{day}" for day, cell in enumerate(cells))])
    result = bring("activity", rows, mapping=VISITS)
    assert result.outcomes == {"created": 3, "rejected": 1}
    assert rejected(result)[1][1] == '客户: there is no customer "佛山" (--create-missing creates what is not there.)'
    assert {str(subject) for (subject,) in listed(crm, "activity", "subject")} == {"customer:1"}

    again = bring("activity", rows, mapping=VISITS, create_missing=True)
    assert (again.outcomes, again.created) == ({"unchanged": 3, "created": 1}, {"customer": 1})
    assert listed(crm, "customer", "name") == [("Acme",), ("佛山",)]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ('field = "subject", of = "costumer"', "there is no entity 'costumer' (Did you mean `customer`?)"),
        ('field = "kind", of = "customer"', "`of` says nothing about kind, which is text"),
    ],
)
def test_an_entity_that_cannot_be_named_is_refused(crm: CRM, bring: Bring, how: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bring("activity", "客户,类型\nAcme,visit\n", mapping=f'[columns]\n"客户" = {{ {how} }}\n')
    assert said in str(caught.value)
