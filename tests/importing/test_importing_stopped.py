"""What was stopped on the way: a file that changed since, and programs that are killed as they undo, try or write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from imported import listed

from crmcore.errors import UsageError
from crmcore.importing import import_file
from crmcore.importing.register import imports

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore import CRM
    from crmcore.testing import MakeCRM

pytestmark = pytest.mark.usefixtures("few_rows_a_chunk")

_DIES = """
import os, signal
from crmcore.cli import main
import importlib
found = "{module}".split(":")
place = importlib.import_module(found[0])
for part in found[1:]:
    place = getattr(place, part)
inner, left = place.{name}, {after}
def dying(*args, **named):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return inner(*args, **named)
place.{name} = dying
main()
"""
ROWS = ["code,name", *(f"{n},Customer {n}" for n in range(5))]


@pytest.fixture
def crm(make_crm: MakeCRM) -> CRM:
    return make_crm(enabled=["tabular"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.csv"
    path.write_text("\n".join(ROWS), encoding="utf-8")
    return path


class Stopped(Exception):
    pass


def stop_after(chunks: int) -> Any:
    left = chunks + 1

    def progress(_progress: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped

    return progress


def killed(crm: CRM, place: str, after: int, *arguments: str, **environment: str) -> None:
    """Run a command that kills itself when a function is called for the nth time."""
    module, _dot, name = place.rpartition(".")
    done = subprocess.run(
        [sys.executable, "-c", _DIES.format(module=module, name=name, after=after), *of(crm), *arguments],
        env={**os.environ, "LOGNAME": "ada", **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def of(crm: CRM) -> list[str]:
    return ["--config", str(crm.registry.config.path)]


def states(crm: CRM) -> list[tuple[int, str, int]]:
    with crm.session(read_only=True) as session:
        return [(one.id, one.state, one.position) for one in imports(session)]


def test_a_file_that_changed_since_it_was_stopped_is_read_from_its_beginning_and_that_is_said(
    crm: CRM, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Stopped):
        import_file(crm, path, "customer", progress=stop_after(1))
    path.write_text("\n".join([*ROWS, "9,Another"]), encoding="utf-8")

    result = import_file(crm, path, "customer")

    assert (result.resumed, result.outcomes) == (0, {"created": 4, "unchanged": 2})
    assert caplog.messages == [f"import 1 of {path} stopped after row 2 and is not continued: the file has changed"]
    assert states(crm) == [(2, "finished", 6), (1, "running", 2)]


def test_other_options_are_no_reason_to_go_on_either(crm: CRM, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Stopped):
        import_file(crm, path, "customer", progress=stop_after(1))

    import_file(crm, path, "customer", on_match="skip")
    import_file(crm, path, "customer", on_match="error")

    assert [message.partition(": ")[2] for message in caplog.messages] == ["its mapping or the options have changed"]


def test_a_file_that_changes_while_it_is_read_ends_no_import(crm: CRM, path: Path) -> None:
    def progress(_progress: object) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n7,Late")

    with pytest.raises(UsageError, match="was changed while it was imported") as caught:
        import_file(crm, path, "customer", progress=progress)
    again = import_file(crm, path, "customer")

    assert "rows that are there already change nothing" in (caught.value.hint or "")
    assert "rejected" not in again.outcomes
    assert {name for (name,) in listed(crm, "customer", "name")} == {*(f"Customer {n}" for n in range(5)), "Late"}


@pytest.fixture
def instance(crm: CRM) -> CRM:
    """One that has a user who may do everything, for commands."""
    with crm.session() as session:
        session.create("user", {"login": "ada", "name": "Ada", "roles": ["admin"]})
    return crm


def test_an_undo_that_is_killed_has_undone_nothing_and_is_done_again(instance: CRM, path: Path) -> None:
    import_file(instance, path, "customer")

    killed(instance, "crmcore.store.imports.close", 0, "import", "undo", "1", "--yes")
    left = len(listed(instance, "customer", "name"))
    state = states(instance)
    done = subprocess.run(
        [sys.executable, "-m", "crmcore", *of(instance), "import", "undo", "1", "--yes"],
        env={**os.environ, "LOGNAME": "ada"},
        check=False,
    )

    assert (left, state) == (5, [(1, "finished", 5)])
    assert done.returncode == 0
    assert listed(instance, "customer", "name") == []


def test_a_trial_that_is_killed_leaves_the_database_as_it_was(instance: CRM, path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()

    killed(instance, "crmcore.importing.register.advance", 0, "import", "customer", str(path), "--dry-run",
           TMPDIR=str(folder))  # fmt: skip

    assert states(instance) == []
    assert listed(instance, "customer", "name") == []
    assert [found.name.rpartition("-")[0] for found in folder.iterdir()] == ["crmcore-rehearsal"]


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_an_export_that_is_killed_leaves_no_file_under_its_name(
    instance: CRM, path: Path, tmp_path: Path, name: str
) -> None:
    import_file(instance, path, "customer")
    folder = tmp_path / "exports"
    folder.mkdir()

    killed(instance, "crmcore.exporting.run:_Rows._cell", 20, "export", "customer", str(folder / name))

    assert [found.name for found in folder.iterdir() if not found.name.startswith(".")] == []
