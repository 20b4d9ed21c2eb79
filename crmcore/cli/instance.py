"""The instance that a command works on, opened only as far as the command asks. Commands get it as ``ctx.obj``."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crmcore.app import CRM
    from crmcore.config import Config
    from crmcore.records.session import Session
    from crmcore.registry import Registry

__all__ = ["Instance", "os_login", "pass_instance"]


class Instance:
    """A ``crm.toml`` and a user; configuration, plugins and database are opened when they are first used.

    Args:
        path: of ``crm.toml``.
        login: of the user who works; by default the one of the operating system.
    """

    def __init__(self, path: Path, login: str | None = None) -> None:
        self.path = path
        self._login = login
        self._config: Config | None = None
        self._registry: Registry | None = None
        self._crm: CRM | None = None

    @property
    def login(self) -> str:
        """Login of the user who works."""
        return self._login or os_login()

    @property
    def config(self) -> Config:
        """What ``crm.toml`` says."""
        if self._config is None:
            from crmcore.config import read_config  # noqa: PLC0415  # see the module's first line

            self._config = read_config(self.path)
        return self._config

    @property
    def registry(self) -> Registry:
        """What its plugins bring; those that do not run are named on stderr, as warnings in the log."""
        if self._registry is None:
            from crmcore.registry import load  # noqa: PLC0415  # the same

            self._registry = load(self.config)
        return self._registry

    @property
    def crm(self) -> CRM:
        """The CRM."""
        if self._crm is None:
            from crmcore.app import CRM  # noqa: PLC0415  # the same

            self._crm = CRM(self.registry)
        return self._crm

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        """Open a session of the user who works; it is committed at the end of the block."""
        with self.crm.session(self.login, read_only=read_only, source="cli") as session:
            yield session

    def close(self) -> None:
        """Close what was opened."""
        if self._crm is not None:
            self._crm.close()


pass_instance = click.make_pass_decorator(Instance)
"""Decorator of commands: their first argument is the instance."""


def os_login() -> str:
    """Return the login of the operating system's user.

    Raises:
        UsageError: the system does not know who that is.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError(
            _("the operating system does not say who you are"), hint=_("Say it: crmcore --as LOGIN ...")
        ) from error
