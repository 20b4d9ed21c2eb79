"""The configuration of an instance as frozen values; where they are read from is `crmcore.config.reading`."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore.conformance import Source, did_you_mean, quoted
from crmcore.currencies import CURRENCIES, currencies_of
from crmcore.errors import ConfigError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from attrs import Attribute

    from crmcore.types import Problem

__all__ = ["Config", "EntityRights", "Role", "currency_problem", "timezone_problem"]


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _folders(folders: Iterable[Path | str]) -> tuple[Path, ...]:
    return tuple(Path(folder) for folder in folders)


@frozen(kw_only=True)
class EntityRights:
    """What a role may do with the records of an entity: all (True), none (False), or those of a condition."""

    create: bool | str = False
    read: bool | str = False
    update: bool | str = False
    delete: bool | str = False
    hide: tuple[str, ...] = field(default=(), converter=_names)
    """Fields that may be neither read nor written."""
    fixed: tuple[str, ...] = field(default=(), converter=_names)
    """Fields that may be read and not written."""


@frozen(kw_only=True)
class Role:
    """What the people who have it may do."""

    name: str
    title: str = ""
    grants: tuple[str, ...] = field(default=(), converter=_names)
    """Permissions, the core's own and those of plugins."""
    rules: Mapping[str, EntityRights] = field(factory=dict)
    """Entity -> rights; ``*`` for entities that are not named."""


def timezone_problem(name: str, source: Source) -> Problem | None:
    """Return what is wrong with the name of a time zone, or None."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, RecursionError):  # of a name of very many points
        hint = did_you_mean(name, zoneinfo.available_timezones()) or _('Write for instance "Asia/Shanghai".')
        message = _("there is no time zone {name}").format(name=quoted(name))
        return source.problem(("instance", "timezone"), message, code="timezone", hint=hint)
    return None


def _known_timezone(config: Config, _attribute: Attribute[str], name: str) -> None:
    problem = timezone_problem(name, config.source)
    if problem:
        raise ConfigError([problem])


def currency_problem(code: str, source: Source) -> Problem | None:
    """Return what is wrong with the code of a currency, or None."""
    if code in CURRENCIES:
        return None
    meant = currencies_of(code)
    hint = _('Write "{code}".').format(code=min(meant)) if len(meant) == 1 else _("ISO 4217 has them: CNY, EUR, USD.")
    message = _("there is no currency {code}").format(code=quoted(code))
    return source.problem(("instance", "currency"), message, code="currency", hint=hint)


def _known_currency(config: Config, _attribute: Attribute[str], code: str) -> None:
    problem = currency_problem(code, config.source)
    if problem:
        raise ConfigError([problem])


@frozen(kw_only=True)
class Config:
    """What ``crm.toml`` says. An application that has no such file makes one in code.

    Example:
        >>> Config(enabled=["abc"], currency="EUR").enabled
        ('abc',)

    Raises:
        ConfigError: there is no such time zone, or no such currency.
    """

    source: Source = field(factory=lambda: Source(toml=True), repr=False, eq=False)
    """Where keys stand, for messages."""
    path: Path | None = None
    """The file, or None."""
    name: str = "crmcore"
    timezone: str = field(default="UTC", validator=_known_timezone)
    language: str = "en"
    currency: str = field(default="CNY", validator=_known_currency)
    database_url: str = field(default="sqlite:///crm.db", repr=False)
    """SQLAlchemy URL; it may hold a password."""
    enabled: tuple[str, ...] = field(default=(), converter=_names)
    plugin_dirs: tuple[Path, ...] = field(default=(), converter=_folders)
    plugin_settings: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False)
    """Plugin -> its table, secrets of the environment put in; defaults of the manifest are not in it yet."""
    written_settings: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False, eq=False)
    """The same as it is written, ``env:NAME`` in place of secrets: what messages may show."""
    roles: Mapping[str, Role] = field(factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    """Metrics of the instance's own: name -> its table."""
    scoring: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    """Scoring rules of the instance's own: name -> its table."""
    schemas: Path | None = None
    """Folder of the instance's own entities and extensions, or None."""
