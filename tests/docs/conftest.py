"""Surroundings in which pages are followed: a known login and day, and no setting of whoever runs the tests."""

from __future__ import annotations

import datetime as dt
import os
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_sessions import BEGINNING, in_process, shell, write_program

from crmcore import app

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CRMCORE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def terminal(
    login: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path], str]:
    """Runs a command on the day of the pages, and returns what it prints."""
    programs = tmp_path_factory.mktemp("bin")
    write_program(programs)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    minutes = count()

    def typed(command: str, folder: Path) -> str:
        if command.startswith("export "):
            monkeypatch.setenv(*command.removeprefix("export ").split("="))
            return ""
        now = BEGINNING + dt.timedelta(minutes=next(minutes))
        monkeypatch.setattr(app, "_wall_clock", lambda: now)
        monkeypatch.setenv("SESSION_NOW", now.isoformat())
        monkeypatch.chdir(folder)
        found = in_process(command)
        return shell(command, folder) if found is None else found

    return typed
