"""The register of imports: chunks are committed with their position, and somebody who comes second stops."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from crmcore.errors import AccessDenied, ImportTaken, UsageError
from crmcore.importing.register import RejectedRow, advance, imports, open_job, source_file, taken, waiting
from crmcore.types import Actor

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore import CRM
    from crmcore.importing.register import ImportJob, SourceFile
    from crmcore.testing import Clock, MakeCRM

ANN = Actor(login="ann", system=True)


@pytest.fixture
def crm(make_crm: MakeCRM, database_url: str) -> CRM:
    return make_crm(database_url=database_url)


@pytest.fixture
def file(tmp_path: Path) -> SourceFile:
    path = tmp_path / "customers.csv"
    path.write_bytes("name\nAcme\n佛山\n".encode())
    return source_file(path)


def rejected_rows(crm: CRM) -> int:
    with crm.session(read_only=True) as session:
        return int(
            session.connection.execute(select(func.count()).select_from(crm.runtime.tables.rejects)).scalar_one()
        )


def chunk(crm: CRM, job: ImportJob, position: int, *names: str, rejected: tuple[RejectedRow, ...] = ()) -> ImportJob:
    with crm.session(source="import") as session:
        session.save_many("customer", [{"name": name} for name in names], on_match="update", import_id=job.id)
        return advance(
            session, job, position=position, outcomes={"created": len(names), "rejected": len(rejected)},
            rejected=rejected,
        )  # fmt: skip


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"abc")
    assert source_file(path).digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    sizes = {b"": (0, 0), b"\n": (1, 1), b"a": (1, 1), b"a\nb": (3, 2), b"a\nb\n": (4, 2)}
    for content, expected in sizes.items():
        path.write_bytes(content)
        found = source_file(path)
        assert (found.size, found.lines) == expected
    with pytest.raises(UsageError, match="cannot be read"):
        source_file(tmp_path / "missing.csv")


def test_an_import_is_registered(crm: CRM, file: SourceFile, crm_clock: Clock) -> None:
    job = open_job(crm, file, "customer", "f1", actor=ANN)

    with crm.session() as session:
        (record,) = imports(session)
    assert (job.id, job.entity, job.position, job.outcomes, job.resumed) == (1, "customer", 0, Counter(), False)
    assert (record.file, record.digest, record.size) == (str(file.path), file.digest, file.size)
    assert (record.actor, record.state, record.started_at) == ("ann", "running", crm_clock.instant)
    assert (record.finished_at, record.rejects) == (None, None)


def test_a_stopped_import_is_taken_up_where_its_last_chunk_was_committed(crm: CRM, file: SourceFile) -> None:
    job = open_job(crm, file, "customer", "f1", actor=ANN)
    bad = RejectedRow(3, "no name", "required", {"name": ""})
    job = chunk(crm, job, 2, "Acme", rejected=(bad,))
    with pytest.raises(RuntimeError), crm.session() as session:
        advance(session, job, position=3, outcomes={"created": 1}, rejected=[bad])
        raise RuntimeError

    again = open_job(crm, file, "customer", "f1", actor=ANN)

    assert (again.id, again.position, again.resumed) == (job.id, 2, True)
    assert again.outcomes == {"created": 1, "rejected": 1}
    assert rejected_rows(crm) == 1
    with crm.session() as session:
        session_found = session.find("customer")
    assert [record.import_id for record in session_found.records] == [job.id]


@pytest.mark.parametrize(
    ("entity", "fingerprint", "login"), [("contact", "f1", "ann"), ("customer", "f2", "ann"), ("customer", "f1", "li")]
)
def test_only_the_same_import_by_the_same_person_is_taken_up(
    crm: CRM, file: SourceFile, entity: str, fingerprint: str, login: str
) -> None:
    first = open_job(crm, file, "customer", "f1", actor=ANN)

    other = open_job(crm, file, entity, fingerprint, actor=Actor(login=login, system=True))

    assert (other.id, other.resumed) == (first.id + 1, False)


def test_a_changed_file_is_another_import(crm: CRM, file: SourceFile) -> None:
    first = open_job(crm, file, "customer", "f1", actor=ANN)
    file.path.write_text("name\nOther\n")
    assert open_job(crm, source_file(file.path), "customer", "f1", actor=ANN).id != first.id


def test_a_restart_closes_the_import_as_far_as_it_came(crm: CRM, file: SourceFile) -> None:
    job = open_job(crm, file, "customer", "f1", actor=ANN)
    chunk(crm, job, 1, "Acme", rejected=(RejectedRow(2, "bad", "type", {}),))

    again = open_job(crm, file, "customer", "f1", actor=ANN, restart=True)

    assert (again.position, again.resumed) == (0, False)
    with crm.session() as session:
        assert [(one.id, one.state, one.position) for one in imports(session)] == [
            (again.id, "running", 0),
            (job.id, "finished", 1),
        ]
    assert rejected_rows(crm) == 0
    with pytest.raises(ImportTaken):
        chunk(crm, job, 2, "Late")


def test_the_second_of_two_on_one_import_stops_and_saves_nothing(crm: CRM, file: SourceFile) -> None:
    one = open_job(crm, file, "customer", "f1", actor=ANN)
    other = open_job(crm, file, "customer", "f1", actor=ANN)
    assert (other.id, other.resumed) == (one.id, True)

    chunk(crm, one, 1, "Acme")
    with pytest.raises(ImportTaken, match="import 1"):
        chunk(crm, other, 1, "Acme", "Only the other", rejected=(RejectedRow(2, "bad", "type", {}),))

    with crm.session() as session:
        assert [record.name for record in session.iterate("customer")] == ["Acme"]
        assert imports(session)[0].outcomes == {"created": 1}
    assert rejected_rows(crm) == 0


def test_of_threads_that_save_the_same_chunk_one_gets_through(crm: CRM, file: SourceFile) -> None:
    jobs = [open_job(crm, file, "customer", "f1", actor=ANN) for _n in range(4)]
    together = threading.Barrier(4)
    outcomes: list[str] = []

    def run(job: ImportJob) -> None:
        together.wait()
        try:
            chunk(crm, job, 1, "Acme", "Cancity")
            outcomes.append("saved")
        except ImportTaken:
            outcomes.append("stopped")

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["saved", "stopped", "stopped", "stopped"]
    with crm.session() as session:
        assert session.count("customer") == 2
        assert imports(session)[0].outcomes == {"created": 2}


def test_rejected_cells_come_back_as_they_were(crm: CRM, file: SourceFile) -> None:
    job = open_job(crm, file, "customer", "f1", actor=ANN)
    cells = {
        "text": "a\0b \ud800 佛山 'quoted' \"",
        "number": 0.1,
        "whole": 2**60,
        "yes": True,
        "nothing": None,
        "day": dt.date(2026, 1, 2),
        "instant": dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
        "local": dt.datetime(2026, 1, 2, 3, 4),  # noqa: DTZ001  # as a workbook has it
        "time": dt.time(3, 4),
        "price": Decimal("1.50"),
        "list": ["a", 1, dt.date(2026, 1, 2)],
        "object": {"date": "no date", "list": [None]},
    }
    rows = [RejectedRow(2, "bad: a\0b \ud800", "type", cells), RejectedRow(3, "ragged", "ragged", ["a", None, 1])]
    with crm.session() as session:
        advance(session, job, position=2, outcomes={"rejected": 2}, rejected=rows)
        (first,), (second,) = waiting(session, job, "type"), waiting(session, job, "ragged")
        assert list(waiting(session, job, "other")) == []
    assert first.cells == cells
    assert second.cells == ["a", None, 1]
    assert (first.line, first.reason, second.reason) == (2, "bad: a\\0b \\ud800", "ragged")


def test_waiting_rows_that_were_saved_after_all_are_rejects_no_more(crm: CRM, file: SourceFile) -> None:
    job = open_job(crm, file, "customer", "f1", actor=ANN)
    rows = tuple(RejectedRow(n, "no such parent", "reference_self", {"name": str(n)}) for n in range(2, 5))
    job = chunk(crm, job, 3, rejected=rows)
    with crm.session() as session:
        one, two, three = waiting(session, job, "reference_self")
        changed = RejectedRow(three.line, "name too long", "maxLength", three.cells, three.id)
        job = taken(session, job, [one, two], {"created": 2}, [changed])

    assert job.outcomes == {"created": 2, "rejected": 1}
    with crm.session() as session:
        assert list(waiting(session, job, "reference_self")) == []
        assert list(waiting(session, job, "maxLength")) == [changed]
        assert imports(session)[0].outcomes == {"created": 2, "rejected": 1}
    with pytest.raises(ImportTaken), crm.session() as session:
        taken(session, job, [one], {"created": 1})


def test_who_may_not_read_an_entity_does_not_see_its_imports(make_crm: MakeCRM, file: SourceFile) -> None:
    crm = make_crm(roles={"sales": {"customer": {"read": True}}})
    open_job(crm, file, "customer", "f1", actor=ANN)
    open_job(crm, file, "contact", "f1", actor=ANN)
    with crm.session(Actor(login="li", roles=("sales",))) as session:
        assert [one.entity for one in imports(session)] == ["customer"]


def test_bad_calls_are_refused(crm: CRM, file: SourceFile) -> None:
    with pytest.raises(UsageError, match="customr"):
        open_job(crm, file, "customr", "f1", actor=ANN)
    with pytest.raises(AccessDenied):
        open_job(crm, file, "customer", "f1", actor="nobody")
    with crm.session() as session:
        assert list(imports(session)) == []


def test_the_history_says_which_import_changed_a_record(crm: CRM, file: SourceFile) -> None:
    job = open_job(crm, file, "customer", "f1", actor=ANN)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.save_many("customer", [{"id": 1, "region": "East"}], import_id=job.id)
        session.update("customer", 1, {"region": "West"})
        assert [entry.import_id for entry in session.history("customer", 1)] == [None, job.id]
