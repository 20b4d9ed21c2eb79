"""The machine and the versions that figures were measured with."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sqlite3
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["described"]

PACKAGES = ("crmcore", "SQLAlchemy", "click", "sqlite-utils", "psycopg")
GIBIBYTE = 2**30


def described() -> dict[str, str]:
    """Return what the machine is, and the versions of what was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": f"{sqlite3.sqlite_version}; command: {_said('sqlite3', '--version').partition(' ')[0]}",
        "PostgreSQL": _postgresql(),
        **{name: _package(name) for name in PACKAGES},
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _postgresql() -> str:
    from tests.postgres_server import Unavailable, find_binaries  # noqa: PLC0415  # not where there are no tests

    with suppress(Unavailable):
        return _said(str(find_binaries() / "postgres"), "--version").rpartition("PostgreSQL) ")[2]
    return "none"


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
