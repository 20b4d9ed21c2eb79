"""Instances of crmcore to measure on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.measuring import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["PLUGINS", "SQLITE", "config", "make_instance"]

PLUGINS = ("tabular", "abc", "churn", "sales")
"""The reader of CSV files, and the three plugins that every import and every run goes through."""
SQLITE = "sqlite:///crm.db"
CONFIG = """
[instance]
name = "Benchmark"
timezone = "UTC"

[database]
url = "{url}"

[plugins]
enabled = [{plugins}]
{folders}
[roles.sales.customer]
read = "owner = me or region = '华东'"
hide = ["annual_income"]
"""


def config(url: str = SQLITE, plugins: Sequence[str] = PLUGINS, folder: Path | None = None) -> str:
    """Return a ``crm.toml``.

    Args:
        url: of the database.
        plugins: that are enabled.
        folder: where those of them are that are not installed.
    """
    quoted = ", ".join(f'"{name}"' for name in plugins)
    return CONFIG.format(url=url, plugins=quoted, folders=f'plugin_dirs = ["{folder}"]\n' if folder else "")


def make_instance(folder: Path, *, url: str = SQLITE, plugins: Sequence[str] = PLUGINS) -> None:
    """Make an instance in a folder that is not there yet: crm.toml, database, and who runs this as administrator."""
    folder.mkdir()
    (folder / "crm.toml").write_text(config(url, plugins), encoding="utf-8")
    run([sys.executable, "-c", MAKE], folder=folder, settled=False)


MAKE = """
import getpass
from crmcore import CRM

with CRM.open() as crm:
    crm.upgrade()
    login = getpass.getuser()
    with crm.session() as session:
        session.create("user", {"login": login, "name": login, "roles": ["admin"]})
"""
