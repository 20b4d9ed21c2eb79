"""Running an import: a file in chunks through mapping, coercion and the first door; bad rows into a rejects file."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.importing.coercion import coerce
from crmcore.importing.mapping import HeaderMapping, map_headers
from crmcore.importing.references import find_named
from crmcore.records.saving import IMPORT
from crmcore.schema.model import Kind
from crmcore.types import SYSTEM, Problem, SourceHeader, SourceRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from crmcore.app import CRM
    from crmcore.records.saving import OnMatch
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.schema.model import Entity
    from crmcore.types import Actor, Importer

__all__ = ["ImportResult", "import_file"]

_ROWS_PER_CHUNK = 1000
_PROBLEMS_KEPT = 100
_REJECTED = ("line", "reason")
"""The first two columns of a rejects file."""
_REJECTS_NAME = r"\.rejects(\.[0-9]+)?\.csv$"


@frozen
class ImportResult:
    """What an import did."""

    mapping: HeaderMapping
    outcomes: Mapping[str, int]
    """Outcome (``created``, ``updated``, ``unchanged``, ``skipped``, ``rejected``) -> number of rows."""
    problems: tuple[Problem, ...]
    """The first hundred problems, each with file and line; the rejects file has them all."""
    rejects: Path | None
    """The file with the rejected rows and their reasons, or None where every row was taken."""


@frozen
class _Row:
    """A row of the file on its way: its cells, and the values that came out of them or the reasons why not."""

    line: int
    cells: Mapping[str, Any]
    values: dict[str, Any]
    problems: list[Problem]


def import_file(
    crm: CRM,
    path: Path,
    entity: str,
    *,
    actor: Actor | str = SYSTEM,
    on_match: OnMatch = "update",
    rejects: Path | None = None,
) -> ImportResult:
    """Import the rows of a file as records of an entity.

    Every chunk of 1,000 rows is committed. A bad row goes with its line and reason to the rejects file, which can be
    mended and imported again; the good ones stay.

    Args:
        crm: with a plugin that reads such files.
        path: of the file.
        entity: name of the entity.
        actor: who imports.
        on_match: what becomes of a row that a matching rule recognises.
        rejects: where rejected rows go; by default ``<file>.rejects.csv`` beside the file.

    Raises:
        UsageError: no enabled plugin reads such files, the file cannot be read, or it has no known header.
    """
    model = crm.runtime.entity(entity)
    if rejects is not None:
        _check_rejects(rejects)
    found = _read(_importer(crm.registry, path), path)
    header = next(found, None)
    if isinstance(header, Problem):
        raise UsageError(
            _("{path} cannot be read: {reason}").format(path=path, reason=header.message), hint=header.hint
        )
    if not isinstance(header, SourceHeader) or not header.names:
        raise UsageError(_("{path} has no header").format(path=path))
    mapping = _mapping(model, path, header.names)
    outcomes: Counter[str] = Counter()
    problems: list[Problem] = []
    keys = _RowKeys()
    with _Rejects(rejects or _rejects_beside(path), header.names) as refused:
        for chunk in _chunks(_row(number, one) for number, one in enumerate(found, start=2)):
            for row in chunk:
                row.values["row_key"] = partial(keys.of, row.cells)
            with crm.session(actor, source=IMPORT) as session:
                for row, outcome in _save(session, model, path, mapping, chunk, on_match):
                    outcomes[outcome] += 1
                    problems.extend(row.problems[: _PROBLEMS_KEPT - len(problems)])
                    if outcome == "rejected":
                        refused.write(row)
    return ImportResult(mapping, outcomes, tuple(problems), refused.path if refused.written else None)


def _importer(registry: Registry, path: Path) -> Importer:
    for importer in registry.importers.values():
        if path.suffix.lower() in importer.suffixes:
            return importer
    known = sorted(suffix for importer in registry.importers.values() for suffix in importer.suffixes)
    raise UsageError(
        _("no enabled plugin reads {suffix} files").format(suffix=path.suffix or path.name),
        hint=_("Files that can be read: {known}").format(known=", ".join(known))
        if known
        else _("Enable one, for instance: crmcore plugins enable tabular"),
    )


def _read(importer: Importer, path: Path) -> Iterator[SourceHeader | SourceRow | Problem]:
    try:
        yield from importer.read(path)
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {reason}").format(path=path, reason=error.strerror)) from error


def _row(number: int, found: SourceHeader | SourceRow | Problem) -> _Row:
    if isinstance(found, SourceRow):
        return _Row(found.line, found.cells, {}, [])
    problem = found if isinstance(found, Problem) else Problem(message=_("a second header"), value=list(found.names))
    return _Row(problem.line or number, {}, {}, [problem])


def _check_rejects(path: Path) -> None:
    """Refuse a file that is there, the imported one for instance, and a folder that is not."""
    if path.exists():
        raise UsageError(_("{path} is there already").format(path=path), hint=_("Name a new file for the rejects."))
    if not path.parent.is_dir():
        raise UsageError(_("there is no folder {path}").format(path=path.parent))


def _own(cells: Sequence[Any], headers: Sequence[str] | None = None) -> Sequence[Any]:
    """Leave out what a rejects file that comes back mended says of its rows."""
    mended = tuple((headers or cells)[: len(_REJECTED)]) == _REJECTED
    return cells[len(_REJECTED) :] if mended else cells


def _rejects_beside(file: Path) -> Path:
    """Return a path that is not there yet: a rejects file may be the one that somebody is just mending."""
    path = file.with_name(f"{re.sub(_REJECTS_NAME, '', file.name)}.rejects.csv")
    names = (path, *(path.with_suffix(f".{number}{path.suffix}") for number in range(2, 1000)))
    return next((name for name in names if not name.exists()), path)


def _mapping(entity: Entity, path: Path, headers: Sequence[str]) -> HeaderMapping:
    mapping = map_headers(entity, dict.fromkeys(header for header in _own(headers) if header))
    if not mapping.fields:
        raise UsageError(
            _("{path}: no header is a field of {entity}: {headers}").format(
                path=path, entity=entity.name, headers=", ".join(headers)
            ),
            hint=_("`crmcore schema show {entity}` lists the names, titles and aliases of its fields.").format(
                entity=entity.name
            ),
        )
    return mapping


def _save(
    session: Session,
    entity: Entity,
    path: Path,
    mapping: HeaderMapping,
    rows: Sequence[_Row],
    on_match: OnMatch,
) -> Iterator[tuple[_Row, str]]:
    """Save a chunk and yield each row with what became of it, in the order of the file."""
    for row in rows:
        _coerce(mapping, path, row)
    _resolve(session, mapping, path, rows)
    good = [row for row in rows if not row.problems]
    saved = session.save_many(entity.name, [row.values for row in good], on_match=on_match, on_problem="reject")
    results = {id(row): result for row, result in zip(good, saved.rows, strict=True)}
    for row in rows:
        result = results.get(id(row))
        if result is not None:
            row.problems.extend(evolve(problem, row=None, file=path, line=row.line) for problem in result.problems)
        yield row, result.outcome if result else "rejected"


def _coerce(mapping: HeaderMapping, path: Path, row: _Row) -> None:
    for header, cell in row.cells.items():
        field = mapping.fields.get(header)
        if field is None or cell is None:
            continue
        try:
            row.values[field.name] = coerce(field, cell)
        except ValueError as error:
            row.problems.append(
                Problem(message=str(error), field=field.name, value=cell, file=path, line=row.line, code="type")
            )


def _resolve(session: Session, mapping: HeaderMapping, path: Path, rows: Sequence[_Row]) -> None:
    """Put ids in place of the texts by which cells name other records."""
    for field in mapping.fields.values():
        if field.kind is not Kind.REF or field.ref is None:
            continue
        naming: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            if isinstance(named := row.values.get(field.name), str):
                naming[named].append(row)
        found = find_named(session, session.runtime.entity(field.ref), naming)
        for named, its_rows in naming.items():
            for row in its_rows:
                row.values[field.name] = found[named].id
                if found[named].id is None:
                    reason = found[named].reason
                    row.problems.append(
                        Problem(
                            message=reason, field=field.name, value=named, file=path, line=row.line, code="reference"
                        )
                    )


def _chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS_PER_CHUNK)):
        yield chunk


class _RowKeys:
    """Keys of rows that have none: the hash of the row, and how many like it came before."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, cells: Mapping[str, Any]) -> str:
        """Return the key of the next row with these cells."""
        text = json.dumps(sorted(cells.items()), ensure_ascii=False, default=str)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._seen[digest] += 1
        return f"{digest}:{self._seen[digest]}"


class _Rejects:
    """The file of rejected rows, made when the first one comes: line and reason, then the input's columns."""

    def __init__(self, path: Path, headers: Sequence[str]) -> None:
        self.path = path
        self.written = 0
        self._headers = headers
        self._file: Any = None
        self._writer: Any = None

    def __enter__(self) -> _Rejects:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, row: _Row) -> None:
        """Add a row with its reasons."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow([*_REJECTED, *_own(self._headers)])
        reasons = "; ".join(str(evolve(problem, file=None, line=None)) for problem in row.problems)
        unread = row.problems[0].value if not row.cells else None
        cells = unread if isinstance(unread, list) else [row.cells.get(header, "") for header in self._headers]
        self._writer.writerow([row.line, reasons, *_own(cells, self._headers)])
        self.written += 1
