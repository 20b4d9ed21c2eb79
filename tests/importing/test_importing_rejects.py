"""The rejects file: written once, never over somebody's file, and the same after a kill at any moment."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from crmcore.errors import ImportTaken, UsageError
from crmcore.importing import import_file
from crmcore.importing import rejects as rejects_module
from crmcore.importing.register import RejectedRow, advance, imports, open_job, source_file
from crmcore.importing.rehearsal import rehearsal
from crmcore.importing.rejects import check_rejects, finish
from crmcore.store import imports as store
from crmcore.types import Actor, Importer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from crmcore import CRM
    from crmcore.importing.register import ImportJob
    from crmcore.testing import MakeCRM

ANN = Actor(login="ann", system=True)
HEADERS = ["name", "region"]
ROWS = [
    RejectedRow(3, 'region: "Mars" is unknown', "enum", {"name": "佛山", "region": "Mars"}),
    RejectedRow(7, "3 cells instead of 2", "ragged", ["Acme", "East", "more"]),
]
WRITTEN = [
    ["line", "reason", "name", "region"],
    ["3", 'region: "Mars" is unknown', "佛山", "Mars"],
    ["7", "3 cells instead of 2", "Acme", "East", "more"],
]


def nothing_read(path: Path, options: Mapping[str, Any]) -> Any:
    return iter(())


def write_lines(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]], options: Mapping[str, Any]) -> None:
    lines = ["|".join(map(str, cells)) for cells in (headers, *rows)]
    path.write_text("\n".join(lines), encoding=options.get("encoding", "utf-8"))


READER = Importer(name="csv", suffixes=[".csv"], read=nothing_read)
WRITER = Importer(name="lines", suffixes=[".txt"], read=nothing_read, write=write_lines)


@pytest.fixture
def crm(make_crm: MakeCRM, database_url: str) -> CRM:
    return make_crm(database_url=database_url)


def imported(crm: CRM, path: Path, rows: Sequence[RejectedRow] = ROWS, connection: Any = None) -> ImportJob:
    if not path.exists():
        path.write_text("name\n")
    job = open_job(crm, source_file(path), "customer", "f1", actor=ANN, connection=connection)
    if job.resumed:
        return job
    with crm.session(connection=connection) as session:
        return advance(session, job, position=9, outcomes={"rejected": len(rows)}, rejected=rows)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def state(crm: CRM) -> tuple[str, Path | None, int]:
    with crm.session() as session:
        rows = session.connection.execute(select(func.count()).select_from(crm.runtime.tables.rejects)).scalar_one()
        record = imports(session)[0]
    return record.state, record.rejects, rows


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("crm.db"))


def test_rejected_rows_become_a_file_beside_the_imported_one(crm: CRM, tmp_path: Path) -> None:
    job = imported(crm, tmp_path / "customers.csv")

    path = finish(crm, job, READER, HEADERS, None)

    assert path == tmp_path / "customers.rejects.csv"
    assert read(path) == WRITTEN
    assert state(crm) == ("finished", path, 0)
    assert names(tmp_path) == ["customers.csv", "customers.rejects.csv"]


def test_without_rejected_rows_there_is_no_file(crm: CRM, tmp_path: Path) -> None:
    job = imported(crm, tmp_path / "customers.csv", [])
    assert finish(crm, job, READER, HEADERS, None) is None
    assert state(crm) == ("finished", None, 0)
    assert names(tmp_path) == ["customers.csv"]


def test_the_writer_of_the_format_writes_them_with_its_options(crm: CRM, tmp_path: Path) -> None:
    job = imported(crm, tmp_path / "customers.txt", ROWS[:1])
    path = finish(crm, job, WRITER, HEADERS, None, options={"encoding": "gb18030"})
    assert path == tmp_path / "customers.rejects.txt"
    assert path.read_text("gb18030") == 'line|reason|name|region\n3|region: "Mars" is unknown|佛山|Mars'


def test_a_format_that_cannot_be_written_gets_a_csv_file(crm: CRM, tmp_path: Path) -> None:
    job = imported(crm, tmp_path / "customers.dbf")
    assert finish(crm, job, READER, HEADERS, None) == tmp_path / "customers.rejects.csv"


def test_a_file_of_somebody_is_never_overwritten(crm: CRM, tmp_path: Path) -> None:
    (tmp_path / "customers.rejects.csv").write_text("being mended")
    (tmp_path / "customers.rejects.2.csv").write_text("too")
    job = imported(crm, tmp_path / "customers.csv")

    assert finish(crm, job, READER, HEADERS, None) == tmp_path / "customers.rejects.3.csv"
    assert (tmp_path / "customers.rejects.csv").read_text() == "being mended"


def test_rejects_of_a_mended_rejects_file_say_line_and_reason_once(crm: CRM, tmp_path: Path) -> None:
    mended = tmp_path / "customers.rejects.csv"
    rows = [
        RejectedRow(2, "still bad", "enum", {"line": "3", "reason": "was bad", "name": "佛山", "region": "Venus"}),
        RejectedRow(3, "ragged", "ragged", ["7", "was ragged", "Acme", "East", "more"]),
    ]
    mended.write_text("line,reason,name,region\n")
    job = imported(crm, mended, rows)

    path = finish(crm, job, READER, ["line", "reason", *HEADERS], None)

    assert path == tmp_path / "customers.rejects.2.csv"
    assert read(path) == [
        ["line", "reason", "name", "region"],
        ["2", "still bad", "佛山", "Venus"],
        ["3", "ragged", "Acme", "East", "more"],
    ]


@pytest.mark.parametrize("step", ["_name_new", "set_rejects_file", "close", "_digest"])
@pytest.mark.parametrize("after", [False, True])
def test_ending_an_import_that_was_killed_gives_the_same_single_file(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    job = imported(crm, tmp_path / "customers.csv")
    module: Any = rejects_module if step.startswith("_") else store
    original = getattr(module, step)

    def killed(*arguments: Any, **named: Any) -> Any:
        if after:
            original(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, step, killed)
        with pytest.raises(KeyboardInterrupt):
            finish(crm, job, READER, HEADERS, None)

    again = imported(crm, tmp_path / "customers.csv")
    assert (again.id, again.resumed) == (job.id, True)
    path = finish(crm, again, READER, HEADERS, None)

    assert path == tmp_path / "customers.rejects.csv"
    assert read(path) == WRITTEN
    assert state(crm) == ("finished", path, 0)
    assert names(tmp_path) == ["customers.csv", "customers.rejects.csv"]


def test_a_rejects_file_that_was_mended_before_the_end_was_repeated_stays(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = imported(crm, tmp_path / "customers.csv")
    with monkeypatch.context() as patch:
        patch.setattr(store, "close", lambda *_a, **_n: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            finish(crm, job, READER, HEADERS, None)
    # A kill leaves the other name of the file behind.
    (tmp_path / ".customers.rejects.1.part.csv").hardlink_to(tmp_path / "customers.rejects.csv")
    (tmp_path / "customers.rejects.csv").write_text("mended")

    path = finish(crm, imported(crm, tmp_path / "customers.csv"), READER, HEADERS, None)

    assert path == tmp_path / "customers.rejects.2.csv"
    assert (tmp_path / "customers.rejects.csv").read_text() == "mended"
    assert names(tmp_path) == ["customers.csv", "customers.rejects.2.csv", "customers.rejects.csv"]


def test_without_links_on_the_file_system_it_works_too(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(_self: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(type(tmp_path), "hardlink_to", unsupported)
    job = imported(crm, tmp_path / "customers.csv")
    finish(crm, job, READER, HEADERS, None)
    assert names(tmp_path) == ["customers.csv", "customers.rejects.csv"]


def test_a_place_that_cannot_be_written_keeps_the_rows(crm: CRM, tmp_path: Path) -> None:
    job = imported(crm, tmp_path / "customers.csv")
    with pytest.raises(UsageError, match="cannot be written"):
        finish(crm, job, READER, HEADERS, tmp_path / "missing" / "rejects.csv")
    assert state(crm) == ("running", None, 2)
    assert finish(crm, job, READER, HEADERS, tmp_path / "other.csv") == tmp_path / "other.csv"


def test_an_import_ends_once(crm: CRM, tmp_path: Path) -> None:
    job = imported(crm, tmp_path / "customers.csv")
    finish(crm, job, READER, HEADERS, None)
    with pytest.raises(ImportTaken, match="import 1"):
        finish(crm, job, READER, HEADERS, None)


def test_a_rehearsal_writes_the_file_that_it_is_told_to(crm: CRM, tmp_path: Path) -> None:
    with rehearsal(crm) as connection:
        job = imported(crm, tmp_path / "customers.csv", connection=connection)
        wanted = tmp_path / "wanted.csv"
        assert finish(crm, job, READER, HEADERS, wanted, connection=connection) == wanted
    assert read(wanted) == WRITTEN
    with crm.session() as session:
        assert list(imports(session)) == []


def test_a_name_for_rejects_is_checked_before_the_import(crm: CRM, tmp_path: Path) -> None:
    (tmp_path / "there.csv").touch()
    check_rejects(crm, tmp_path / "new.csv")
    with pytest.raises(UsageError, match="there already"):
        check_rejects(crm, tmp_path / "there.csv")
    with pytest.raises(UsageError, match="no folder"):
        check_rejects(crm, tmp_path / "missing" / "new.csv")


def test_an_import_that_goes_on_may_find_its_own_rejects_file(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tmp_path / "bad.csv"
    job = imported(crm, tmp_path / "customers.csv")
    with monkeypatch.context() as patch:
        patch.setattr(store, "close", lambda *_a, **_n: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            finish(crm, job, READER, HEADERS, wanted)

    check_rejects(crm, wanted)
    assert finish(crm, imported(crm, tmp_path / "customers.csv"), READER, HEADERS, wanted) == wanted
    with pytest.raises(UsageError, match="there already"):
        check_rejects(crm, wanted)


def test_a_line_that_is_no_json_is_kept_as_text_until_its_values_are_written(
    make_crm: MakeCRM, database_url: str, tmp_path: Path
) -> None:
    crm = make_crm(enabled=["tabular"], database_url=database_url)
    path, long = tmp_path / "k.jsonl", "x" * 20_000
    path.write_text(f'not json {long}\n{{"name": "J9"}}\n{{"name": "J8", "founded_date": "soon"}}\n')

    first = import_file(crm, path, "customer").rejects
    assert first is not None
    bad, unread = map(json.loads, reversed(first.read_text().splitlines()))
    assert (list(bad)[:3], bad["text"], bad["name"]) == (["line", "reason", "text"], None, "J8")
    assert (unread["line"], unread["text"], unread["name"]) == (1, f"not json {long}", None)

    again = import_file(crm, first, "customer")
    assert again.outcomes == {"rejected": 2}
    assert again.problems[0].message == "the text of a row that could not be read is still without its values"
    second = again.rejects
    assert second is not None
    mended = [json.loads(line) for line in second.read_text().splitlines()]
    assert mended[0]["text"] == f"not json {long}"

    mended[0]["name"], mended[1]["founded_date"] = "J7", "2000-01-01"
    second.write_text("\n".join(map(json.dumps, mended)))
    assert import_file(crm, second, "customer").outcomes == {"created": 2}
