"""Tables as a terminal shows them."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

if TYPE_CHECKING:
    from pathlib import Path

BOLD = ("\x1b[1m", "\x1b[0m")


def seen(columns: int, *arguments: str, **environment: str) -> list[str]:
    """Run the program in a terminal of so many columns and return the lines that it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-c", "from crmcore.cli import main; main()", *arguments]
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    surroundings = {**known, "TERM": "xterm", **environment}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=surroundings) as process:
        os.close(theirs)
        output = b""
        while part := _read(ours):
            output += part
    os.close(ours)
    assert process.returncode == 0, output.decode()
    return output.decode().replace("\r", "").splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the program has ended
        return b""


def plain(line: str) -> str:
    for code in BOLD:
        line = line.replace(code, "")
    return line


def test_a_table_is_ruled_below_a_bold_head(demo: Path) -> None:
    lines = seen(80, "report", "run", "abc.classes")
    assert lines[0] == f"{BOLD[0]}Customers by class{BOLD[1]}"
    assert plain(lines[1]).split()[:2] == ["Class", "Customers"]
    assert set(lines[2]) == {"─"}
    assert lines[3].split() == ["A", "4", "11.4%", "1,272,680.00", "70.3%"]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("entity", ["customer", "order", "user"])
def test_a_list_takes_as_many_columns_as_fit_without_breaking_lines(demo: Path, entity: str, columns: int) -> None:
    lines = [plain(line) for line in seen(columns, "list", entity, "--limit", "20")]
    records = [line for line in lines if line.startswith(f"{entity}:")]
    assert len(records) == min(20, len(lines) - 2)
    assert max(map(cell_len, lines[: len(records) + 2])) <= columns


def test_a_wide_terminal_shows_more_columns(demo: Path) -> None:
    narrow, wide = (plain(seen(columns, "list", "customer")[0]).split() for columns in (60, 160))
    assert set(narrow) < set(wide)
    assert narrow[-1] == wide[-1] == "Class"


def test_columns_that_are_asked_for_are_all_there_even_if_they_are_folded(demo: Path) -> None:
    lines = seen(40, "list", "customer", "--limit", "1", "--columns", "name,region,city,contact_person,phone")
    shown = "".join(lines[2:-2]).replace(" ", "")
    for part in ("佛", "南", "陈", "0757"):
        assert part in shown


def test_there_is_no_colour_where_none_is_wanted(demo: Path) -> None:
    lines = seen(80, "list", "customer", NO_COLOR="1")
    assert not any("\x1b[3" in line for line in lines)
