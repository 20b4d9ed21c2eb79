"""What a new plugin is called, from the one name that its author chooses; names that cannot be are refused."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.errors import ManifestError, UsageError
from crmcore.i18n import gettext as _
from crmcore.manifest import manifest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Names", "named"]

_OWN_PREFIX = "crmcore"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_LONGEST = 28
"""Characters of a plugin's name: its fields are called after it, and a field has at most 40."""
_EXAMPLE = ("acme", "visits")
_NO_PLURAL = re.compile(r"(ss|us|is|(^|_)(.|..|news|series))$")
_SINGULARS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", ""))
_PLURALS = (
    (re.compile(r"[^aeiou](y)$"), "ies"),
    (re.compile(r"s(is)$"), "es"),
    (re.compile(r"(?:s|x|ch|sh)()$"), "es"),
)


@frozen
class Names:
    """What a plugin is called in the places where it has a name."""

    package: str
    """The Python package, and the folder that it is written into: ``acme_visits``."""

    @property
    def plugin(self) -> str:
        """The name in ``crm.toml``: what follows the author's prefix, ``visits``."""
        return self.package.partition("_")[2]

    @property
    def distribution(self) -> str:
        """The name for pip: ``acme-visits``."""
        return self.package.replace("_", "-")

    @property
    def title(self) -> str:
        """The name for people: ``Visits``."""
        return _spoken(self.plugin)

    @property
    def entity(self) -> str:
        """An entity called after the plugin, in the singular: ``visit``."""
        return _singular(self.plugin)

    @property
    def plural(self) -> str:
        """Its plural: ``visits``."""
        return _plural(self.entity)

    @property
    def entity_title(self) -> str:
        """The entity's name for people: ``Visit``."""
        return _spoken(self.entity)


def named(name: str, taken: Mapping[str, str]) -> Names:
    """Return the names of a new plugin.

    Args:
        name: prefix of its author and name of the plugin, ``acme_visits``.
        taken: names of the plugins that there are -> where they come from.

    Raises:
        UsageError: it is no such name, or something else is called so.
    """
    if not _NAME.fullmatch(name):
        message = _("{name} cannot be the name of a package with a plugin").format(name=name)
        raise UsageError(message, hint=_like(name))
    names = Names(name)
    if name.startswith(f"{_OWN_PREFIX}_"):
        message = _("{prefix}_ is the prefix of the plugins that come with crmcore").format(prefix=_OWN_PREFIX)
        raise UsageError(message, hint=_("Choose one of your own: acme_{plugin}").format(plugin=names.plugin))
    _refuse_unusable(names)
    if names.plugin in taken:
        message = _("there is a plugin `{name}` already: {origin}").format(
            name=names.plugin, origin=taken[names.plugin]
        )
        raise UsageError(message, hint=_("What follows the first underscore is the plugin's name: choose another."))
    if importlib.util.find_spec(name) is not None:
        message = _("there is a Python package `{name}` already").format(name=name)
        raise UsageError(message, hint=_("Choose another name: only one of two packages can be imported."))
    return names


def _refuse_unusable(names: Names) -> None:
    try:
        manifest_of({"name": names.plugin, "version": "0.1.0", "summary": names.title})
    except ManifestError as error:
        message = _("`{name}` cannot be the name of a plugin: {reason}").format(
            name=names.plugin, reason="; ".join(problem.message for problem in error.problems)
        )
        prefix, _underscore, plugin = names.package.partition("_")
        raise UsageError(message, hint=_("Write {name}").format(name=f"{prefix}_my_{plugin}")) from error
    if len(names.plugin) > _LONGEST:
        message = _("the plugin's name has {found} characters, and may have {most}")
        raise UsageError(
            message.format(found=len(names.plugin), most=_LONGEST), hint=_("The fields that it adds begin with it.")
        )


def _like(name: str) -> str:
    """Return what to write, with a name that could be meant."""
    words = "_".join(re.findall(r"[a-z0-9]+", name.lower()))
    if _NAME.fullmatch(words):
        return _("Write {name}").format(name=words)
    prefix, underscore, _rest = name.lower().partition("_")
    if not re.fullmatch("[a-z][a-z0-9]*", prefix):
        prefix, word = _EXAMPLE
    elif underscore or prefix == _EXAMPLE[0]:
        word = _EXAMPLE[1]
    else:
        prefix, word = _EXAMPLE[0], prefix
    said = _(
        "Write a prefix of your own, an underscore and a name, in lower-case letters from a to z and digits: {name}"
    )
    return said.format(name=f"{prefix}_{word}")


def _singular(name: str) -> str:
    """Return what one of them is called; a name that only looks like a plural stays as it is."""
    if _NO_PLURAL.search(name):
        return name
    for ending, single in _SINGULARS:
        if name.endswith(ending):
            return name.removesuffix(ending) + single
    return name


def _plural(name: str) -> str:
    for pattern, ending in _PLURALS:
        if (found := pattern.search(name)) is not None:
            return name[: found.start(1)] + ending
    return f"{name}s"


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()
