"""A disk without room, and one that may only be read: what is said, nothing half-written, and going on later."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from crmcore import CRM, load, read_config, scoring
from crmcore.cli import main
from crmcore.errors import CRMError, DatabaseError
from crmcore.exporting import export_file
from crmcore.importing import import_file
from crmcore.importing.register import imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crmcore.testing import MakeCRM

_CUSTOMERS = 2_500


@contextmanager
def room_for(crm: CRM, pages: int) -> Iterator[None]:
    """Let an SQLite file grow by a few pages and no more, as on a full disk."""
    with crm.engine.connect() as connection:
        most = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one()) + pages

    def limit(connection: Any, _entry: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {most}")

    crm.engine.dispose()
    event.listen(crm.engine, "connect", limit)
    yield
    event.remove(crm.engine, "connect", limit)
    crm.engine.dispose()


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """Mount something for the ``with`` block, where that is allowed."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", arguments[-1]], check=True)


def customers(path: Path, kind: str = "person") -> Path:
    rows = [f"C{n},Customer {n},{kind},{'x' * 200}" for n in range(_CUSTOMERS)]
    path.write_text("\n".join(["code,name,kind,notes", *rows]), encoding="utf-8")
    return path


def count(crm: CRM, table: str) -> int:
    with crm.engine.connect() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_an_import_stops_between_two_chunks_and_goes_on_when_there_is_room(
    make_crm: MakeCRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmcore.importing.rounds._ROWS_PER_PAGE", 250)
    monkeypatch.setattr("crmcore.importing.rounds._PAGES_PER_CHUNK", 2)
    crm = make_crm(enabled=["tabular"])
    path = customers(tmp_path / "file.csv")

    with room_for(crm, 300), pytest.raises(DatabaseError, match="is full") as caught:
        import_file(crm, path, "customer")
    saved = count(crm, "crm_customer")
    with crm.session(read_only=True) as session:
        (under_way,) = imports(session)
    finished = import_file(crm, path, "customer")

    assert "Make room" in (caught.value.hint or "")
    assert saved in (500, 1_000, 1_500, 2_000)
    assert (under_way.state, under_way.position) == ("running", saved)
    assert (finished.resumed, finished.outcomes["created"]) == (saved, _CUSTOMERS)
    assert count(crm, "crm_customer") == _CUSTOMERS


def test_scoring_changes_all_or_nothing(make_crm: MakeCRM, tmp_path: Path) -> None:
    crm = make_crm(enabled=["tabular", "abc"])
    import_file(crm, customers(tmp_path / "file.csv"), "customer")
    (rule,) = scoring.rules(crm.registry, ["abc.class"])
    before = count(crm, "crmcore_history")

    with room_for(crm, 1), pytest.raises(DatabaseError, match="is full"), crm.session() as session:
        scoring.run(session, rule)
    labelled = count(crm, "crm_customer WHERE abc_class IS NOT NULL")
    after = count(crm, "crmcore_history")
    with crm.session() as session:
        changed = scoring.run(session, rule).changed

    assert (labelled, after) == (0, before)
    assert changed == _CUSTOMERS


def test_an_upgrade_changes_all_or_nothing(make_crm: MakeCRM, tmp_path: Path) -> None:
    crm = make_crm(enabled=["tabular"])
    import_file(crm, customers(tmp_path / "file.csv"), "customer")
    file = tmp_path / "more.toml"
    file.write_text('[plugins]\nenabled = ["tabular", "abc", "churn"]\n', encoding="utf-8")
    more = CRM(load(read_config(file)), crm.engine)
    columns = count(crm, "pragma_table_info('crm_customer')")

    with room_for(more, 2), pytest.raises(DatabaseError, match="is full"):
        more.upgrade()
    left = count(crm, "pragma_table_info('crm_customer')")
    more.upgrade()

    assert left == columns
    assert count(crm, "pragma_table_info('crm_customer')") > columns


def exported(crm: CRM, path: Path) -> object:
    with crm.session(read_only=True) as session:
        return export_file(session, "customer", path)


WRITERS: dict[str, Callable[[CRM, Path], object]] = {
    "people.csv": exported,
    "people.jsonl": exported,
    "backup.zip": lambda crm, path: crm.backup(path),
}


@pytest.fixture
def many(make_crm: MakeCRM, tmp_path: Path) -> CRM:
    crm = make_crm(enabled=["tabular", "abc"])
    path = tmp_path / "many.csv"
    rows = [f"{n},{os.urandom(60).hex()}" for n in range(1_000)]  # not to be packed into nothing
    path.write_text("\n".join(["code,name", *rows]), encoding="utf-8")
    import_file(crm, path, "customer")
    with crm.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return crm


@pytest.mark.parametrize("name", WRITERS)
def test_no_half_of_a_file_is_left(many: CRM, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    with small_files(40_000), pytest.raises(CRMError, match="cannot be written"):
        WRITERS[name](many, folder / name)
    left = list(folder.iterdir())
    WRITERS[name](many, folder / name)

    assert left == []
    assert capfd.readouterr().err == ""  # nothing that Python says of what it could not close
    assert [path.name for path in folder.iterdir()] == [name]


def test_no_half_of_a_workbook_is_left(many: CRM, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)):
        with pytest.raises(CRMError, match="cannot be written"):
            exported(many, disk / "people.xlsx")
        left = list(disk.iterdir())

    assert left == []
    assert capfd.readouterr().err == ""


def test_rejected_rows_wait_until_their_file_can_be_written(make_crm: MakeCRM, tmp_path: Path) -> None:
    crm = make_crm(enabled=["tabular"])
    path, disk = customers(tmp_path / "file.csv", kind="neither"), tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)):
        with pytest.raises(CRMError, match="the rejected rows cannot be written") as caught:
            import_file(crm, path, "customer", rejects=disk / "rejects.csv")
        left = list(disk.iterdir())
    finished = import_file(crm, path, "customer")

    assert "They are kept" in (caught.value.hint or "")
    assert left == []
    assert finished.rejects is not None
    assert len(finished.rejects.read_text("utf-8-sig").splitlines()) == 1 + _CUSTOMERS


def test_a_command_on_a_full_disk_says_so_in_two_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)):
        assert ran("init", str(disk)) == 0
        config = ["--config", str(disk / "crm.toml")]
        assert ran(*config, "create", "customer", "--set", "name=Acme") == 0
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        capfd.readouterr()
        code = ran(*config, "create", "customer", "--set", "name=Other")
        said = capfd.readouterr()
        filler.unlink()
        again = ran(*config, "create", "customer", "--set", "name=Other")

    assert (code, again) == (8, 0)
    assert said.out == ""
    assert [line.partition(":")[0] for line in said.err.splitlines()] == ["error", "hint"]
    assert "is full; nothing was written" in said.err


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main.main(list(arguments))
    return int(str(ended.value.code or 0))


@pytest.fixture(autouse=True)
def ada(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("CRMCORE_LANG", "en")


def test_a_folder_that_may_only_be_read_is_told(make_crm: MakeCRM, tmp_path: Path) -> None:
    crm = make_crm()
    folder = str(crm.registry.config.path.parent)
    crm.engine.dispose()
    with mounted("--bind", folder, folder):
        if subprocess.run(["mount", "-o", "remount,ro,bind", folder], capture_output=True, check=False).returncode:
            pytest.skip("a mount cannot be made read-only here")
        with pytest.raises(DatabaseError, match="may only be read") as caught, crm.session(read_only=True):
            pass

    assert "Copy the database" in (caught.value.hint or "")


def test_a_postgresql_database_that_only_reads_is_told_and_read(make_crm: MakeCRM, postgres_url: str) -> None:
    crm = make_crm(enabled=["abc"], database_url=postgres_url)
    with crm.engine.begin() as connection:
        name = connection.execute(sa.text("SELECT current_database()")).scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    crm.engine.dispose()

    with pytest.raises(DatabaseError, match="the database may only be read") as caught, crm.session() as session:
        session.create("customer", {"name": "Acme"})
    with crm.session(read_only=True) as session:
        found = session.count("customer")
    with pytest.raises(DatabaseError, match="the database may only be read"), crm.session() as session:
        scoring.run(session, scoring.rules(crm.registry)[0])

    assert "name the primary" in (caught.value.hint or "")
    assert found == 0
