"""Rows that imports could not take go with the person whom they name, in the database and in files."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from crmcore.erase import erase
from crmcore.erase.mentions import Mentions
from crmcore.store import imports as store
from crmcore.types import SYSTEM

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore import CRM
    from crmcore.erase import Erased


def wang(crm: CRM) -> None:
    with crm.session() as session:
        session.create(
            "customer", {"kind": "person", "name": "王伟", "phone": "+86 138-0000-0000", "email": "wang@example.com"}
        )
        session.update("customer", 1, {"email": "w.wang@example.com"})


def registered(crm: CRM, *rows: store.RejectedRow, rejects: Path | None = None) -> int:
    with crm.session() as session:
        id = store.begin(
            session.connection, crm.runtime.tables, entity="customer", file="a.csv", digest="d", size=1,
            fingerprint="f", actor=SYSTEM, now=session.now,
        )  # fmt: skip
        store.add_rejects(session.connection, crm.runtime.tables, id, rows)
        if rejects is not None:
            store.set_rejects_file(session.connection, crm.runtime.tables, id, rejects, "digest")
    return id


def erased(crm: CRM) -> Erased:
    with crm.session() as session:
        return erase(session, "customer", 1)


@pytest.mark.parametrize(
    "text",
    [
        "王伟",
        "客户王伟先生",
        "WANG@EXAMPLE.COM",
        "ask wang@example.com.",
        "13800000000",
        "(86) 138 0000 0000",
        "x,138-00000000",
    ],
)
def test_a_text_that_holds_a_value_in_any_writing_names_the_person(text: str) -> None:
    assert Mentions.of(["王伟", "wang@example.com", "+86 138-0000-0000"]).are_in(text)


@pytest.mark.parametrize("text", ["", "王 伟", "Lilian", "ali", "13800000001", "wang", "138 0000"])
def test_a_text_that_holds_a_part_of_a_longer_word_does_not(text: str) -> None:
    assert not Mentions.of(["王伟", "Li", "wang@example.com", "13800000000", "x", " "]).are_in(text)


def test_a_person_of_whom_nothing_is_known_is_named_nowhere() -> None:
    assert not Mentions.of(["x"]).are_in("x")


def test_rejected_rows_that_wait_in_the_database_go(crm: CRM) -> None:
    wang(crm)
    registered(
        crm,
        store.RejectedRow(2, "no such owner", "reference", {"name": "王伟", "region": "East"}),
        store.RejectedRow(3, "no such owner", "reference", {"name": "Acme", "region": "East"}),
        store.RejectedRow(4, "ragged", "ragged", ["x", "WANG@example.com"]),
        store.RejectedRow(5, 'expected a date, found "王伟"', "type", {"name": ""}),
    )

    assert erased(crm).rejected.rows == 3

    with crm.session() as session:
        assert [row.line for row in store.iterate_rejects(session.connection, crm.runtime.tables)] == [3]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030", "utf-16"])
def test_a_rejects_file_of_lines_is_written_again_without_the_person(crm: CRM, tmp_path: Path, encoding: str) -> None:
    wang(crm)
    path = tmp_path / "a.rejects.csv"
    kept = ["line,reason,name,notes\r\n", '2,bad,Acme,"two\nlines, ""quoted"""\r\n', "7,bad,李伟,\r\n"]
    gone = ["3,bad,王伟,\r\n", '4,bad,x,"a\n王伟"\r\n', '5,"said ""王伟""",x,\r\n', "6,bad,x,w.wang@example.com\r\n"]
    path.write_bytes("".join([*kept[:2], *gone, kept[2]]).encode(encoding))
    registered(crm, rejects=path)

    result = erased(crm).rejected

    assert (result.rewritten, result.by_hand) == ((path,), ())
    assert path.read_bytes().decode(encoding) == "".join(kept)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_a_rejects_file_of_json_lines_is_written_again_too(crm: CRM, tmp_path: Path) -> None:
    wang(crm)
    path = tmp_path / "a.rejects.jsonl"
    path.write_text('{"line": 2, "name": "\\u738b\\u4f1f"}\n{"line": 3, "name": "Ac\u2028me"}\n', "utf-8")
    registered(crm, rejects=path)

    assert erased(crm).rejected.rewritten == (path,)
    assert path.read_text("utf-8") == '{"line": 3, "name": "Ac\u2028me"}\n'


def test_a_file_that_names_the_person_in_another_form_is_named_for_somebody_to_delete(crm: CRM, tmp_path: Path) -> None:
    wang(crm)
    workbook, other, card, table = (tmp_path / name for name in ("a.xlsx", "b.xlsx", "a.vcf", "a.csv"))
    for path, name in ((workbook, "王伟"), (other, "李伟")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/sharedStrings.xml", f"<sst><si><t>{name}</t></si></sst>")
    card.write_text("BEGIN:VCARD\nFN:王伟\nEND:VCARD\n", "utf-8")
    table.write_text("name\n王伟\n", "utf-8")
    for path in (workbook, other, card, table):
        registered(crm, rejects=path)
    before = [path.read_bytes() for path in (workbook, other, card, table)]

    result = erased(crm).rejected

    assert (result.rewritten, set(result.by_hand)) == ((), {workbook, card, table})
    assert [path.read_bytes() for path in (workbook, other, card, table)] == before


def test_files_that_are_gone_or_name_others_are_left_alone(crm: CRM, tmp_path: Path) -> None:
    wang(crm)
    path = tmp_path / "a.rejects.csv"
    path.write_text("line,reason,name\n2,bad,Acme\n")
    registered(crm, rejects=path)
    registered(crm, rejects=tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    registered(crm, rejects=tmp_path / "folder.csv")

    result = erased(crm).rejected

    assert (result.rewritten, result.by_hand) == ((), (tmp_path / "folder.csv",))
    assert path.read_text() == "line,reason,name\n2,bad,Acme\n"
