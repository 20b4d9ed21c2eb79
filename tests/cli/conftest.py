"""Instances to run commands on, and two ways to run them: in this process, and as the real program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_surroundings import LOGIN, Run, RunProgram
from click.testing import CliRunner, Result
from small_instance import make_instance

from crmcore.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of the test's own, a known login, and no setting of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("CRMCORE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOGNAME", LOGIN)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Run:
    """Run a command in this process and check its exit code."""

    def runs(*arguments: str, code: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, input=answer, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return runs


@pytest.fixture
def program() -> RunProgram:
    """Run the program in a process of its own."""

    def runs(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from crmcore.cli import main; main()", *arguments],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **(environment or {})},
            check=False,
            timeout=120,
        )

    return runs


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small instance; made once, to be copied."""
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    make_instance(folder, LOGIN)
    return folder


@pytest.fixture
def demo(demonstration: Path, tmp_path: Path) -> Path:
    """An instance with some customers, orders and users, in the current folder."""
    shutil.copytree(demonstration, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def empty(run: Run, tmp_path: Path) -> Path:
    """An instance without records in the current folder."""
    run("init")
    return tmp_path
