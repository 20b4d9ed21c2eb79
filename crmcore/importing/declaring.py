"""What a mapping file says about the headers of one file: every field, style and total checked against the schemas.

Its shape was checked when it was read, in `crmcore.importing.mapping_file`; here are what headers and fields mean.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmcore.conformance import did_you_mean
from crmcore.errors import ConfigError
from crmcore.i18n import gettext as _
from crmcore.importing.coercion import cell_reader
from crmcore.importing.columns import DATED, FileMapping, Fill, MappedColumn, Style, called
from crmcore.importing.date_formats import date_format
from crmcore.importing.mapping import has_key, line_relations, own_headers
from crmcore.importing.paths import NoPath, Target, target_of
from crmcore.importing.rows import PLACEHOLDER
from crmcore.importing.unreadable import Unreadable
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from crmcore.importing.mapping_file import MappingFile
    from crmcore.schema.model import Entity

__all__ = ["declared"]


def declared(
    file: MappingFile,
    entity: Entity,
    entities: Mapping[str, Entity],
    headers: Sequence[str],
    *,
    currency: str,
    timezone: dt.tzinfo,
) -> FileMapping:
    """Return what a mapping file makes of the headers of a file; headers that it does not name are unknown.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    declaration = _Declaration(file, entity, entities, headers, currency, timezone)
    mapping = declaration.mapping()
    if declaration.problems:
        raise ConfigError(sorted(declaration.problems, key=lambda problem: problem.line or 0))
    return mapping


class _Declaration:
    """One mapping file against one file's headers, and the problems found so far."""

    def __init__(
        self,
        file: MappingFile,
        entity: Entity,
        entities: Mapping[str, Entity],
        headers: Sequence[str],
        currency: str,
        timezone: dt.tzinfo,
    ) -> None:
        self.file, self.entity, self.entities = file, entity, entities
        self.currency, self.timezone = currency, timezone
        self.problems = list(file.problems)
        self.headers, self.mended = own_headers(headers)
        self.by_name = {called(header): header for header in reversed(self.headers)}
        self.by_name |= {header: header for header in self.headers}
        self.used: set[str] = set()
        self.filled: dict[tuple[str, ...], str] = {}

    def mapping(self) -> FileMapping:
        """Return what the whole file says."""
        tables = self.file.tables
        if self.file.entity not in (None, self.entity.name):
            message = _("this mapping is for {entity}, not for {other}")
            self._wrong(("entity",), message.format(entity=self.file.entity, other=self.entity.name), "entity")
        left_out: list[str] = []
        columns: list[MappedColumn] = []
        for written, where in tables.get("columns", {}).items():
            header = self._header(written, ("columns", written), once=True)
            if where is False:
                left_out += [header] if header else []
            else:
                columns += self._columns(header, where, ("columns", written))
        skips = {}
        for written, texts in tables.get("skip", {}).get("when", {}).items():
            header = self._header(written, ("skip", "when", written))
            skips[header or written] = (texts,) if isinstance(texts, str) else tuple(texts)
        fills = [fill for path, value in tables.get("fill", {}).items() for fill in self._fill(path, value)]
        totals = self._totals(tables.get("totals", {}))
        relation = self._lines()
        order = {header: number for number, header in enumerate(self.headers)}
        return FileMapping(
            entity=self.entity,
            declared=True,
            columns=tuple(sorted(columns, key=lambda column: (column.if_empty, order[column.header]))),
            lines=line_relations(self.entity, self.entities).get(relation or ""),
            totals=totals,
            fills=tuple(fills),
            skips=skips,
            unknown=tuple(header for header in self.headers if header not in self.used),
            left_out=(*self.mended, *left_out),
        )

    def _wrong(self, path: Sequence[str | int], message: str, code: str, hint: str | None = None) -> None:
        self.problems.append(self.file.source.problem(path, message, code=code, hint=hint))

    def _header(self, written: str, at: Sequence[str | int], *, once: bool = False) -> str | None:
        """Return the header of the file that is meant."""
        header = self.by_name.get(written) or self.by_name.get(called(written))
        if header is None:
            message = _("the file has no column `{header}`").format(header=written)
            self._wrong(at, message, "unknown_header", did_you_mean(written, self.headers))
        elif once and header in self.used:
            self._wrong(at, _("column `{header}` is there twice").format(header=header), "duplicate")
            return None
        else:
            self.used.add(header)
        return header

    def _columns(self, header: str | None, where: Any, at: tuple[str | int, ...]) -> Iterable[MappedColumn]:
        several = isinstance(where, list)
        for index, one in enumerate(where if several else [where]):
            how = {"field": one} if isinstance(one, str) else one
            place = (*at, index) if several else at
            if_empty = bool(how.get("if_empty"))
            target = self._target(how["field"], place, header or str(at[-1]), beside=if_empty)
            if target is not None:
                style = self._style(how, target, place)
                if header is not None:
                    yield MappedColumn(
                        header=header, path=target.path, field=target.field, style=style, if_empty=if_empty
                    )

    def _target(self, written: str, at: Sequence[str | int], filler: str, *, beside: bool = False) -> Target | None:
        """Return the field that a path leads to, and note what fills it, unless it only helps out beside others."""
        try:
            target = target_of(self.entity, self.entities, written)
        except NoPath as error:
            self._wrong(at, str(error), "unknown_field", error.hint)
            return None
        if beside:
            return target
        for path, other in self.filled.items():
            short = min(len(path), len(target.path))
            if path[:short] == target.path[:short] and target.path[:short] != (target.relation,):
                message = _("{field} is filled by `{other}` already").format(field=".".join(path[:short]), other=other)
                self._wrong(at, message, "duplicate")
                return None
        self.filled[target.path] = filler
        return target

    def _style(self, how: Mapping[str, Any], target: Target, at: Sequence[str | int]) -> Style:
        """Return how cells are written; what says nothing about the field's kind, or contradicts itself, is wrong."""
        kind = target.field.kind
        for key in how:
            if key in _APPLY and kind not in _APPLY[key]:
                message = _("`{key}` says nothing about {field}, which is {kind}")
                self._wrong((*at, key), message.format(key=key, field=target.field.name, kind=kind.value), "style")
        if "format" in how:
            try:
                date_format(how["format"])
            except ValueError as error:
                self._wrong((*at, "format"), str(error), "format")
                how = {key: value for key, value in how.items() if key != "format"}
        if "of" in how and how["of"] not in self.entities:
            message = _("there is no entity {name!r}").format(name=how["of"])
            self._wrong((*at, "of"), message, "unknown_entity", did_you_mean(how["of"], self.entities))
        own = how.get("currency", self.currency) == self.currency
        if "currency" in how and own == ("rate" in how):
            message = (
                _("{currency} is the currency of the instance and needs no rate")
                if own
                else _("amounts in {currency} need a `rate` beside it, to be in {own}")
            )
            self._wrong((*at, "currency"), message.format(currency=how["currency"], own=self.currency), "currency")
        style = Style(
            format=how.get("format"),
            decimal=how.get("decimal"),
            scale=_exact(how.get("scale")),
            currency=how.get("currency"),
            rate=_exact(how.get("rate")),
            round=how.get("round"),
            values=how.get("values", {}),
            writing=how.get("as"),
            of=how.get("of"),
        )
        for cell, value in style.values.items():
            self._check_value(value, target, style, (*at, "values", cell))
        return style

    def _check_value(self, value: Any, target: Target, style: Style, at: Sequence[str | int]) -> None:
        """Refuse a fixed value that the field cannot have."""
        kind = target.field.kind
        if value == "" or (kind in DATED and style.format is None):
            return
        try:
            cell_reader(target.field, style, currency=self.currency, timezone=self.timezone)(value)
        except Unreadable as error:
            self._wrong(at, str(error), error.code, error.hint)

    def _fill(self, written: str, value: Any) -> Iterable[Fill]:
        at = ("fill", written)
        target = self._target(written, at, written)
        named = PLACEHOLDER.findall(value) if isinstance(value, str) else []
        headers = tuple(self._header(name, at) or name for name in named)
        if target is not None:
            if not named:
                self._check_value(value, target, Style(), at)
            yield Fill(path=target.path, field=target.field, value=value, headers=headers)

    def _totals(self, written: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
        totals = {}
        for name, of in written.items():
            at = ("totals", name)
            target = self._target(name, at, name)
            try:
                summed = target_of(self.entity, self.entities, of)
            except NoPath as error:
                self._wrong(at, str(error), "unknown_field", error.hint)
                continue
            if summed.relation is None or len(summed.path) != len(("relation", "field")):
                message = _("{field} is no field of lines of the record, such as order_lines.amount")
                self._wrong(at, message.format(field=of), "totals")
            elif summed.path not in self.filled:
                self._wrong(at, _("no column fills {field}").format(field=of), "totals")
            elif target is not None and (target.relation or len(target.path) > 1 or not _adds_up(target, summed)):
                message = _(
                    "{field} cannot be the sum of {lines}: both are amounts, or both are numbers of the same kind"
                )
                self._wrong(at, message.format(field=name, lines=of), "totals")
            elif target is not None:
                totals[name] = (summed.path[0], summed.path[1])
        return totals

    def _lines(self) -> str | None:
        """Return the relation whose records the rows are, if they are."""
        possible = line_relations(self.entity, self.entities)
        found = dict.fromkeys(path[0] for path in self.filled if len(path) > 1 and path[0] in possible)
        if len(found) > 1:
            message = _("rows can be lines of one kind only, and these are of {relations}")
            self._wrong(("columns",), message.format(relations=", ".join(found)), "lines")
        # A column that is wrong may be the key that would be missed here.
        if (
            found
            and not self.problems
            and not has_key(self.entity, (path[0] for path in self.filled if len(path) == 1))
        ):
            keys = _(" or ").join(" + ".join(rule.fields) for rule in self.entity.match if not rule.when)
            message = _("rows are {lines} of one {entity}, so that a column has to say which one: {keys}")
            said = message.format(lines=next(iter(found)), entity=self.entity.name, keys=keys or "external_id")
            self._wrong(("columns",), said, "lines")
        return next(iter(found), None)


_NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.MONEY)
_APPLY: Mapping[str, tuple[Kind, ...]] = {
    "format": DATED,
    "decimal": _NUMBERS,
    "scale": _NUMBERS,
    "round": _NUMBERS,
    "currency": (Kind.MONEY,),
    "rate": (Kind.MONEY,),
    "as": (Kind.TEXT, Kind.REF),
    "of": (Kind.ANY_REF,),
}
"""Key of a column's style -> the kinds of fields that it says something about."""


def _exact(number: float | None) -> Decimal | None:
    """Return a number of the file as it is written there."""
    return None if number is None else Decimal(repr(number))


def _adds_up(target: Target, summed: Target) -> bool:
    return target.field.kind is summed.field.kind and target.field.kind in _NUMBERS
