"""Writing a plugin from its templates: what is the same for every kind, then what is the kind's own.

A template is a file with the ending ``.tmpl`` and the placeholders of `string.Template`: ``$plugin``,
``${plugin}_level``, and ``$$`` for a dollar sign. In names of files and folders they are written ``{package}``.
"""

from __future__ import annotations

import shutil
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import core_documents
from crmcore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from crmcore.kit.kinds import Kind
    from crmcore.kit.naming import Names

__all__ = ["write_plugin"]

_ENDING = ".tmpl"
_COMMON = "common"


def write_plugin(names: Names, kind: Kind, parent: Path) -> Path:
    """Write the project of a new plugin into a folder of its own, and return that folder.

    Args:
        names: of the plugin.
        kind: what it starts as.
        parent: the folder in which the new one is made.

    Raises:
        UsageError: there is such a folder or file already, an entity of that name, or nothing can be written.
    """
    if kind.name == "entity":
        _refuse_taken_entity(names)
    folder = parent / names.package
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        message = _("{path} is there already, and nothing is overwritten").format(path=error.filename)
        raise UsageError(message, hint=_("Choose another name, or another folder with --dir.")) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    values = _values(names, kind)
    try:
        for path, text in _rendered(kind, values):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unwritable(folder, error) from error
    return folder


def _values(names: Names, kind: Kind) -> dict[str, str]:
    """Return what the placeholders stand for."""
    return {
        "package": names.package,
        "plugin": names.plugin,
        "distribution": names.distribution,
        "title": names.title,
        "entity": names.entity,
        "plural": names.plural,
        "entity_title": names.entity_title,
        "summary": kind.summary,
        "core": ".".join(__version__.split(".")[:2]),
    }


def _rendered(kind: Kind, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield path and text of each file of a plugin."""
    templates = files(__package__) / "templates"
    for group in (_COMMON, kind.name):
        for path, template in _templates(templates / group):
            yield path.format(**values), Template(template.read_text(encoding="utf-8")).substitute(values)


def _templates(folder: Traversable, before: str = "") -> Iterator[tuple[str, Traversable]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _templates(one, f"{before}{one.name}/")
        elif one.name.endswith(_ENDING):
            yield before + one.name.removesuffix(_ENDING), one


def _refuse_taken_entity(names: Names) -> None:
    documents, _problems = core_documents()
    if names.entity in {document.entity for document in documents}:
        message = _("there is an entity `{entity}` already").format(entity=names.entity)
        raise UsageError(message, hint=_("The entity is called after the plugin: choose another name."))


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(_("{path} cannot be written: {reason}").format(path=path, reason=error.strerror))
