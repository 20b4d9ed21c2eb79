"""The error tree. Every error that crmcore raises on purpose is a `CRMError` with a stable code.

Messages say what was found, what was expected, where, and what to do next, in the language of the context.
At the command line an error is one or two lines and its class decides the exit code; ``docs/reference/command-line.md``
lists them. It decides the status of an HTTP answer too: ``docs/reference/embedding.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmcore.types import Problem

__all__ = [
    "AccessDenied",
    "CRMError",
    "ConditionError",
    "ConfigError",
    "Conflict",
    "DatabaseError",
    "DuplicateRecord",
    "ImportTaken",
    "ManifestError",
    "MigrationRefused",
    "NotFound",
    "PluginError",
    "ProblemsError",
    "ReferencedRecord",
    "SchemaError",
    "StartRefused",
    "UsageError",
    "ValidationError",
]


_NOT_PLUGINS = frozenset({"crmcore", "importlib", "pluggy"})
"""Packages through which a plugin is called."""


class CRMError(Exception):
    """Base of all errors that crmcore raises on purpose.

    Attributes:
        message: what happened, in the language of the context.
        hint: what to do next, or None.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    """Whose mistake it is, for applications that answer over HTTP: below 500 the caller's, from there on ours."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def as_json(self) -> dict[str, Any]:
        """Return the error as a JSON object: ``code``, ``message``, ``hint``."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(CRMError):
    """A call or a command that cannot be meant: an unknown entity, field, order or option value."""

    code = "usage"
    exit_code = 2
    http_status = 400


class ProblemsError(CRMError):
    """Several things that are wrong, reported together.

    Attributes:
        problems: every `crmcore.types.Problem`, in the order of the input.
    """

    code = "problems"

    def __init__(self, problems: Iterable[Problem], message: str = "", *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems]
        if not message and len(lines) > 1:
            message = ngettext("{n} problem:", "{n} problems:", len(lines)).format(n=len(lines))
        super().__init__("\n".join([message, *lines] if message else lines), hint=hint)

    def as_json(self) -> dict[str, Any]:
        """Return the error as a JSON object, each problem with its place."""
        found = [{k: v for k, v in _problem_items(problem) if v is not None and v != ""} for problem in self.problems]
        return {**super().as_json(), "problems": found}


class SchemaError(ProblemsError):
    """Entity schemas that cannot be loaded: the dialect is broken, or two declarations disagree."""

    code = "schema"
    exit_code = 3


class ManifestError(ProblemsError):
    """Plugin manifests that cannot be read, or plugins that cannot be put in order."""

    code = "manifest"
    exit_code = 3


class ConfigError(ProblemsError):
    """``crm.toml`` cannot be read or says something that is not understood."""

    code = "config"
    exit_code = 3


class PluginError(CRMError):
    """A plugin failed: at import, or in one of its hooks.

    Attributes:
        plugin: the plugin's name.
        version: its version, or None when it was not read yet.
        hook: the hook that raised, or ``import``.
        cause: the exception.
        said: the message without the place.
        file: of the plugin, where it was raised or handed on; None where its code was not running.
        line: in that file.
    """

    code = "plugin"
    exit_code = 3

    def __init__(self, plugin: str, version: str | None, hook: str, cause: BaseException) -> None:
        self.plugin, self.version, self.hook, self.cause = plugin, version, hook, cause
        self.__cause__ = cause
        named = f"{plugin} {version}" if version else plugin
        said = str(getattr(cause, "orig", None) or cause)  # a database error without its statement
        raised = f"{type(cause).__name__}: {said}" if said else type(cause).__name__
        self.said = _("plugin {plugin} failed in {hook}: {raised}").format(plugin=named, hook=hook, raised=raised)
        self.file, self.line = _place(cause)
        super().__init__(
            f"{self.said} ({self.file}:{self.line})" if self.file else self.said,
            hint=_("See the traceback with --debug; `crmcore plugins disable {plugin}` switches it off.").format(
                plugin=plugin
            ),
        )


def _place(cause: BaseException) -> tuple[str | None, int | None]:
    """Return the last line of the code that the core called, before it went into other packages."""
    if isinstance(cause, SyntaxError) and cause.filename:
        return cause.filename, cause.lineno
    place: tuple[str | None, int | None] = (None, None)
    package, trace = None, cause.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        of = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package is None and of not in _NOT_PLUGINS:
            package = of
        if package is not None and of == package:
            place = frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return place


class StartRefused(ProblemsError):
    """Plugins without which nothing may run cannot, or what plugins declare cannot be used."""

    code = "start_refused"
    exit_code = 3


class ConditionError(CRMError):
    """A condition that cannot be understood or is not allowed where it stands.

    Attributes:
        text: the whole condition.
        start: offset in characters where the mistake starts.
        end: offset after its last character.
        reason: what is wrong, without the excerpt.
    """

    code = "condition"
    exit_code = 2
    http_status = 400

    def __init__(self, reason: str, *, text: str, start: int, end: int, excerpt: str, hint: str | None = None) -> None:
        self.reason, self.text, self.start, self.end, self.excerpt = reason, text, start, end, excerpt
        super().__init__(f"{reason}\n{excerpt}", hint=hint)


class ValidationError(ProblemsError):
    """Values of a record that its schema, a reference or a plugin refuses. Nothing was written."""

    code = "validation"
    exit_code = 4
    http_status = 422


class DuplicateRecord(ValidationError):
    """A record like this is already there: a unique field or a matching rule says so."""

    code = "duplicate"
    http_status = 409


class ReferencedRecord(ValidationError):
    """A record cannot be deleted because others refer to it."""

    code = "referenced"
    http_status = 409


class NotFound(CRMError):
    """No live record under that reference, or none that the actor may see."""

    code = "not_found"
    exit_code = 5
    http_status = 404

    def __init__(self, entity: str, id: object) -> None:
        self.entity, self.id = entity, id
        super().__init__(_("there is no {entity}:{id}").format(entity=entity, id=id))


class AccessDenied(CRMError):
    """The actor may not do this. A record that the actor may not even read is `NotFound` instead."""

    code = "access_denied"
    exit_code = 6
    http_status = 403


class Conflict(CRMError):
    """Somebody else changed the record since it was read.

    Attributes:
        entity, id: the record.
        expected: the version that the caller had read.
        found: the version that is stored.
    """

    code = "conflict"
    exit_code = 7
    http_status = 409

    def __init__(self, entity: str, id: int, expected: int, found: int) -> None:
        self.entity, self.id, self.expected, self.found = entity, id, expected, found
        super().__init__(
            _("{entity}:{id} was changed by somebody else: version {found} is stored, you have {expected}").format(
                entity=entity, id=id, found=found, expected=expected
            ),
            hint=_("Read it again, repeat your change and save."),
        )


class ImportTaken(CRMError):
    """Somebody else continued, closed or undid the import that this program is running. Its last chunk is not saved."""

    code = "import_taken"
    exit_code = 7
    http_status = 409


class DatabaseError(CRMError):
    """The database cannot be opened, is not up to date, is locked, full or read-only."""

    code = "database"
    exit_code = 8
    http_status = 503


class MigrationRefused(DatabaseError):
    """An upgrade that would lose data, or a tighter schema that stored records break."""

    code = "migration_refused"
    http_status = 500


def _problem_items(problem: Problem) -> list[tuple[str, Any]]:
    names = ("code", "message", "hint", "field", "row", "line", "column", "pointer", "plugin")
    items = [(name, getattr(problem, name)) for name in names]
    return [*items, ("file", str(problem.file) if problem.file is not None else None)]
