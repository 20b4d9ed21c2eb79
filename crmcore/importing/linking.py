"""Ids in place of what rows call other records by, and new records for names that nobody has yet.

How a record is found is :mod:`crmcore.importing.references`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, frozen

from crmcore.i18n import gettext as _
from crmcore.importing.references import Found, find_described, find_named, identity
from crmcore.schema.model import Kind
from crmcore.schema.values import fold
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crmcore.importing.plan import Plan
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

__all__ = ["REFERENCE_SELF", "Linking", "Row", "Values", "created_entities", "header_of"]

REFERENCE_SELF = "reference_self"
"""Code of a row that names a record of its own entity which is not there: a later row may bring it."""


def header_of(plan: Plan, path: tuple[str, ...]) -> str | None:
    """Return the header of the first column that fills a field, or something in the record that it leads to."""
    return next((column.header for column in plan.columns if column.path[: len(path)] == path), None)


def created_entities(plan: Plan, entities: Mapping[str, Entity], *, missing: bool) -> set[str]:
    """Return the entities that an import may create records of; `missing` ones are those that its rows refer to."""
    found = {plan.entity.name, *([plan.lines.entity] if plan.lines else ())}
    if missing:
        found |= {column.style.of for column in plan.columns if column.style.of}
    paths = [*(column.path for column in plan.columns), *(fill.path for fill in plan.fills)]
    for path in paths if missing else ():
        entity = plan.entity
        for step in path:
            declared = entity.fields.get(step)
            leads_to = declared.ref if declared else plan.lines.entity if plan.lines else None
            if leads_to is None or leads_to not in entities:
                break
            entity = entities[leads_to]
            found.add(entity.name)
    return found


@define(eq=False)
class Row:
    """A row of the file on its way into the database."""

    position: int
    line: int
    cells: Mapping[str, Any] | list[Any] | str
    """By header; a list where the row had more or fewer cells than the header, the text where no cells were found."""
    values: dict[str, Any]
    problems: list[Problem]
    row_key: Callable[[], str]
    """Returns what stands for the row if it has no key of its own."""
    record_key: str = ""
    """What the rows of one record have in common, where rows are lines."""
    outcome: str = ""
    overwrites: bool = False
    """Whether it has replaced a value that another row of the import had written."""

    def fail(self, message: str, *, header: str | None, value: Any, code: str, hint: str | None = None) -> None:
        """Note a problem of the row."""
        self.problems.append(Problem(message=message, field=header, value=value, line=self.line, code=code, hint=hint))


@frozen(eq=False)
class Values:
    """Values that become a record, or lead to one, and the rows that they came in."""

    values: dict[str, Any]
    rows: Sequence[Row]
    path: tuple[str, ...] = ()
    """Where the values are in their rows."""


@frozen(kw_only=True)
class Linking:
    """Puts ids into values, in one session."""

    session: Session
    plan: Plan
    create_missing: bool
    waits: bool
    """Whether a record that is missing of the imported entity itself may still come in a later row."""
    import_id: int
    created: Counter[str]
    """Entity -> number of records that were created for being missing; counted here."""

    def link(self, entity: Entity, described: Sequence[Values]) -> None:
        """Put ids in place of what values call other records by; what leads nowhere is a problem of its rows.

        Args:
            entity: that the values are of.
            described: the values; changed in place.
        """
        of = {column.path: column.style.of for column in self.plan.columns if column.style.of}
        for field in entity.fields.values():
            pointing = [one for one in described if one.values.get(field.name) is not None]
            if not pointing:
                continue
            if field.kind is Kind.REF:
                self._link_field(field, pointing)
            elif field.kind is Kind.ANY_REF and (named := of.get((*pointing[0].path, field.name))):
                self._link_field(evolve(field, ref=named), pointing)

    def _link_field(self, field: Field, pointing: Sequence[Values]) -> None:
        target = self.session.runtime.entity(str(field.ref))
        texts: dict[str, list[Values]] = defaultdict(list)
        several: list[tuple[Values, Values]] = []
        for one in pointing:
            meant = one.values[field.name]
            if isinstance(meant, dict):
                several.append((one, Values(meant, one.rows, (*one.path, field.name))))
            else:
                texts[str(meant)].append(one)
        self._link_named(field, target, texts)
        self._link_described(field, target, several)

    def _link_named(self, field: Field, target: Entity, texts: Mapping[str, Sequence[Values]]) -> None:
        found = dict(find_named(self.session, target, texts)) if texts else {}
        if self._may_create(field, target):
            missing = [text for text, its in texts.items() if found[text].missing and _any_good(its)]
            found.update(self._create(target, {text: (fold(text), {target.display: text}) for text in missing}))
        for text, its in texts.items():
            for one in its:
                self._settle(field, one, text, found[text])

    def _link_described(self, field: Field, target: Entity, several: Sequence[tuple[Values, Values]]) -> None:
        self.link(target, [inner for _outer, inner in several])
        several = [(outer, inner) for outer, inner in several if _any_good([outer])]
        found = dict(enumerate(find_described(self.session, target, [inner.values for _outer, inner in several])))
        if self._may_create(field, target):
            missing = {
                number: (identity(target, inner.values), inner.values)
                for number, (_outer, inner) in enumerate(several)
                if found[number].missing
            }
            found.update(self._create(target, missing))
        for number, (outer, inner) in enumerate(several):
            self._settle(field, outer, ", ".join(map(str, inner.values.values())), found[number])

    def _may_create(self, field: Field, target: Entity) -> bool:
        return self.create_missing and target.display in target.fields and not self._waits_for(field)

    def _waits_for(self, field: Field) -> bool:
        return self.waits and field.ref == self.plan.entity.name

    def _create(self, target: Entity, missing: Mapping[Any, tuple[str, Mapping[str, Any]]]) -> Mapping[Any, Found]:
        """Create each missing record once, and return what every name has led to.

        Args:
            target: entity of the records.
            missing: name -> what makes two of them the same record, and its values.
        """
        once: dict[str, Mapping[str, Any]] = {}
        for same, values in missing.values():
            once.setdefault(same, values)
        if not once:
            return {}
        # Nobody is changed: what plugins make of the values may be a record that is there already.
        saved = self.session.save_many(
            target.name, once.values(), on_match="skip", on_problem="reject", import_id=self.import_id
        )
        self.created[target.name] += saved.count("created")
        made: dict[str, Found] = {}
        for same, result in zip(once, saved.rows, strict=True):
            reasons = "; ".join(map(str, result.problems))
            message = _("the missing {entity} could not be created: {reason}")
            refused = result.outcome == "rejected" or result.id is None
            made[same] = (
                Found(None, message.format(entity=target.name, reason=reasons)) if refused else Found(result.id)
            )
        return {name: made[same] for name, (same, _values) in missing.items()}

    def _settle(self, field: Field, one: Values, shown: str, found: Found) -> None:
        if found.id is not None:
            one.values[field.name] = found.id if field.kind is Kind.REF else str(Ref(str(field.ref), found.id))
            return
        one.values[field.name] = None
        waits = found.missing and not one.path and self._waits_for(field)
        hint = _("--create-missing creates what is not there.") if found.missing and not self.create_missing else None
        for row in one.rows:
            if waits and row.problems:
                continue  # a later row may bring the record, and this one is rejected all the same
            row.fail(
                found.reason,
                header=header_of(self.plan, (*one.path, field.name)),
                value=shown,
                code=REFERENCE_SELF if waits else "reference",
                hint=hint,
            )


def _any_good(pointing: Iterable[Values]) -> bool:
    return any(not row.problems for one in pointing for row in one.rows)
