"""Running an export: records, page by page, through the writer of a format."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from crmcore.errors import CRMError
from crmcore.exporting.cells import cell_writer
from crmcore.exporting.columns import columns_of
from crmcore.exporting.files import checked_options, format_of, whole
from crmcore.exporting.naming import names_for
from crmcore.schema.model import SYSTEM_FIELDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from crmcore.exporting.columns import Column
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.schema.records import Record
    from crmcore.types import Importer

__all__ = ["Exported", "export_file"]

_ROWS = 1000
"""Records whose references are named in one go."""


@frozen(kw_only=True)
class Exported:
    """What an export wrote."""

    path: Path
    format: str
    """Name of the importer that wrote the file and reads it."""
    headers: Mapping[str, str]
    """Header -> field."""
    records: int


def export_file(
    session: Session,
    entity: str,
    path: Path,
    *,
    where: str | None = None,
    order: str | None = None,
    fields: Sequence[str] = (),
    format: str | None = None,  # noqa: A002  # what people call it
    codes: bool = False,
    with_id: bool = True,
    options: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> Exported:
    """Write the records that the session's actor may see, without fields that the actor may not read, to a file.

    `crmcore.importing.import_file` reads it: into the same instance it changes nothing, into an empty one, if
    `with_id` was false, it creates the same records.

    Args:
        session: reads; best one that is read-only.
        entity: name of the entity.
        path: of the file; its ending says the format.
        where: a condition that selects records.
        order: fields separated by commas, a minus before those that descend.
        fields: names or titles of the fields to write; by default all but those that the core keeps.
        format: name of an importer, where the file's ending does not say it.
        codes: write names of fields and codes of values rather than titles, as formats for programs always have.
        with_id: begin with a column of references (``customer:42``), by which importing knows the records again.
        options: of the importer.
        replace: a file that is there.

    Raises:
        UsageError: no enabled plugin writes such files, there is no such entity or field, or the file is there already
            or cannot be written.
        ConditionError: the condition or the order cannot be understood, or names a field that the actor may not read.
        ValidationError: an option that the importer does not have.
        PluginError: the writer failed.
    """
    registry, model = session.runtime.registry, session.runtime.entity(entity)
    importer = format_of(registry, path, format)
    given = checked_options(importer, options or {})
    codes = codes or importer.for_programs
    hidden = session.access.fields(session.actor, entity).hidden
    columns = columns_of(model, fields, hidden, with_id=with_id, codes=codes)
    rows = _Rows(session, columns, codes=codes, by_name=importer.for_people)
    headers = {column.header: column.field.name for column in columns}
    session.find(entity, where, order=order, limit=1)  # a mistake in them is found before there is a file
    with whole(path, replace=replace) as file:
        written = _Counted(rows.of(session.iterate(entity, where, order=order)))
        _write(registry, importer, file, list(headers), written, given)
    return Exported(path=path, format=importer.name, headers=headers, records=written.count)


class _Rows:
    """Makes rows of records, a batch at a time, since naming what they refer to costs statements."""

    def __init__(self, session: Session, columns: Sequence[Column], *, codes: bool, by_name: bool) -> None:
        self._session, self._by_name = session, by_name
        self._columns = [(one.field, self._writer(one, codes=codes)) for one in columns]

    def of(self, records: Iterable[Record]) -> Iterator[Sequence[Any]]:
        """Yield a row for each record."""
        remaining = iter(records)
        while batch := list(islice(remaining, _ROWS)):
            names = {field.name: self._names(field.name, str(field.ref), batch) for field in self._references()}
            for record in batch:
                yield [self._cell(record, field.name, write, names) for field, write in self._columns]

    def _writer(self, column: Column, *, codes: bool) -> Callable[[Any], Any]:
        return cell_writer(column.field, self._session.timezone, codes=codes)

    def _references(self) -> Iterator[Any]:
        return (field for field, _write in self._columns if field.kind is Kind.REF)

    def _names(self, field: str, target: str, batch: Sequence[Record]) -> Mapping[int, str]:
        ids = {record[field] for record in batch if record[field] is not None}
        return names_for(self._session, self._session.runtime.entity(target), ids, by_name=self._by_name)

    def _cell(self, record: Record, name: str, write: Callable[[Any], Any], names: Mapping[str, Any]) -> Any:
        value = record[name]
        if name == SYSTEM_FIELDS["id"].name:
            return str(record.ref)
        if value is None:
            return None
        return names[name][value] if name in names else write(value)


class _Counted:
    """Rows on their way to the writer, counted."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            self.count += 1
            yield row


def _write(
    registry: Registry,
    importer: Importer,
    path: Path,
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    options: Mapping[str, Any],
) -> None:
    """Call the writer; what it raises by mistake is its plugin's failure, what reading raises is not."""
    write = importer.write

    def attempt() -> Exception | None:
        try:
            if write is not None:
                write(path, headers, rows, options)
        except (CRMError, OSError, SQLAlchemyError) as error:
            return error
        return None

    failure = registry.attributed(importer.name, attempt)
    if failure is not None:
        raise failure
