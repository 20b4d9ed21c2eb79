"""Making an instance: a crm.toml with comments, its database, and the first user. `init` and `demo` share it."""

from __future__ import annotations

import json
import os
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.app import CRM

__all__ = [
    "SQLITE",
    "create_admin",
    "create_database",
    "has_users",
    "local_timezone",
    "make_folder",
    "open_instance",
    "toml",
    "write_text",
]

SQLITE = "sqlite:///crm.db"


def toml(text: str) -> str:
    """Return a text as a TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_text(file: Path, text: str) -> None:
    """Write a file as UTF-8.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error) from error


def open_instance(config_file: Path) -> CRM:
    """Open the instance of a configuration; the caller closes it."""
    from crmcore.app import CRM  # noqa: PLC0415  # commands are imported for --help too

    return CRM.open(config_file)


def create_database(config_file: Path) -> CRM:
    """Open the instance of a configuration and make its database; the caller closes it."""
    crm = open_instance(config_file)
    crm.upgrade()
    return crm


def has_users(crm: CRM) -> bool:
    """Tell whether anybody can work with a database already; one that is out of date is somebody's."""
    from crmcore.store.engine import is_missing  # noqa: PLC0415  # as above

    if is_missing(crm.engine):
        return False
    states = crm.status()
    if not any(state.installed for state in states):
        return False
    if any(state.needs_upgrade for state in states):
        return True
    with crm.session(read_only=True) as session:
        return session.count("user") > 0


def create_admin(crm: CRM, login: str, values: Mapping[str, object] | None = None) -> None:
    """Create a user who may do everything, or leave the one that is there."""
    with crm.session(source="cli") as session:
        session.create("user", {"login": login, "name": login, "roles": ["admin"], **(values or {})}, on_match="skip")


def local_timezone() -> str:
    """Return the time zone of this machine by its IANA name, or UTC where it has none."""
    known = zoneinfo.available_timezones()
    parts = Path("/etc/localtime").resolve().parts
    linked = "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else ""
    return next((name for name in (os.environ.get("TZ", ""), linked) if name in known), "UTC")


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(_("{path} cannot be written: {reason}").format(path=path, reason=error.strerror))
