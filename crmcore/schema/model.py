"""What an entity is once its schemas are composed: the frozen model that every layer above reads.

Built by :mod:`crmcore.schema.compose` from JSON Schema documents; nothing else constructs it outside tests. The
kinds say how a value looks in Python, in JSON and, in :mod:`crmcore.store.tables`, in the database.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore.i18n import title_in

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANY_ENTITY", "SYSTEM_FIELDS", "Entity", "Field", "Kind", "MatchRule", "Relation", "relations"]

ANY_ENTITY = "*"
"""Target of a reference that may point to a record of any entity (``activity.subject``)."""


class Kind(enum.StrEnum):
    """What a field holds. Values in parentheses: the Python type / the JSON form.

    An empty field is None in Python and absent in JSON; the empty string and empty lists and objects become None.
    """

    TEXT = "text"  # (str / string)
    INTEGER = "integer"  # (int / integer)
    NUMBER = "number"  # (float / number)
    BOOLEAN = "boolean"  # (bool / boolean)
    MONEY = "money"  # (Decimal, at most 4 places / decimal string "1234.50")
    DATE = "date"  # (datetime.date / "2026-11-21")
    INSTANT = "instant"  # (aware UTC datetime / "2026-11-21T18:55:00Z")
    REF = "ref"  # (int id of a record of `Field.ref` / integer)
    ANY_REF = "any_ref"  # (crmcore.types.Ref / "customer:42")
    JSON = "json"  # (list or dict of plain JSON values / array or object)


@frozen(kw_only=True)
class Field:
    """One field of an entity, read from its JSON Schema property and the property's ``x-crm``."""

    name: str
    kind: Kind
    titles: Mapping[str, str] = field(factory=dict)
    aliases: tuple[str, ...] = ()
    """Headers that importers map to this field, besides its name and titles."""
    required: bool = False
    enum: tuple[str, ...] = ()
    """Allowed values of a text field; empty when any text is allowed."""
    enum_titles: Mapping[str, Mapping[str, str]] = field(factory=dict)
    """Value -> language -> title."""
    open: bool = False
    """Extensions may add to `enum`."""
    default: Any = None
    """Default in JSON form; None when there is none."""
    format: str | None = None
    max_length: int | None = None
    ref: str | None = None
    """Name of the referred entity, `ANY_ENTITY` for ANY_REF, else None."""
    on_delete: str = "restrict"
    """``restrict``: a record that is referred to cannot be deleted; ``clear``: the reference is emptied; ``delete``:
    the record that holds the reference is deleted along."""
    index: bool = False
    unique: bool = False
    owner: bool = False
    readonly: bool = False
    """People cannot set it through the first write door."""
    computed_by: str | None = None
    """Plugin or rule that writes it through the second door; implies `readonly`."""
    sensitive: bool = False
    """A mark for people to see; roles decide who may read it."""
    was: tuple[str, ...] = ()
    """Former names: the column is renamed, not dropped."""
    exact: bool = False
    """Text compared as it is written, not case-folded: identifiers of other systems."""
    origin: str = ""
    """Who declared it: ``core``, a plugin's name, or ``instance``."""

    def title(self, language: str | None = None) -> str:
        """Return the title in a language, else the name made readable."""
        return title_in(self.titles, self.name.replace("_", " ").capitalize(), language)

    @property
    def folded(self) -> bool:
        """Whether the value is compared through a stored case-folded column: free text, not enums."""
        return self.kind is Kind.TEXT and not self.enum and not self.exact


@frozen(kw_only=True)
class MatchRule:
    """One alternative by which an incoming row is recognised as a record that is already there.

    All `fields` must be filled in and equal (text case-folded); `when` restricts the alternative to rows with
    those values, in Python form, for instance ``{"kind": "organisation"}``.
    """

    fields: tuple[str, ...]
    when: Mapping[str, Any] = field(factory=dict)
    distinct: bool = False
    """Two records that both have such a key and differ in it are two, whatever later alternatives say."""


@frozen(kw_only=True)
class Entity:
    """A composed entity: what may be stored under its name and how people call it."""

    name: str
    plural: str
    fields: Mapping[str, Field]
    """In declaration order, core first, then plugins in their order, then the instance."""
    schema: Mapping[str, Any]
    """The composed document in our dialect, ``x-crm`` included."""
    titles: Mapping[str, str] = field(factory=dict)
    display: str = "name"
    """The field that stands for the record where one line is shown."""
    match: tuple[MatchRule, ...] = ()
    search: tuple[str, ...] = ()
    """Fields whose values people know a record by: erasing looks for them in rejected rows of imports."""
    indexes: tuple[tuple[str, ...], ...] = ()
    """Fields that are indexed together."""
    internal: bool = False
    """A plugin's private table: no command line, no history, no import."""
    was: tuple[str, ...] = ()
    origin: str = ""

    def title(self, language: str | None = None) -> str:
        """Return the title in a language, else the name made readable."""
        return title_in(self.titles, self.name.replace("_", " ").capitalize(), language)

    match_fields: frozenset[str] = field(init=False, repr=False)
    """The fields that take part in any matching rule."""

    @match_fields.default
    def _fields_of_rules(self) -> frozenset[str]:
        return frozenset(name for rule in self.match for name in (*rule.fields, *rule.when))

    closed_fields: frozenset[str] = field(init=False, repr=False)
    """The fields that nobody fills: read-only ones, and those that a rule computes."""

    @closed_fields.default
    def _filled_by_nobody(self) -> frozenset[str]:
        return frozenset(f.name for f in self.fields.values() if f.readonly or f.computed_by)

    @property
    def owner_field(self) -> str | None:
        """The field that says whose the record is, or None."""
        return next((f.name for f in self.fields.values() if f.owner), None)


def _system(name: str, kind: Kind, en: str, zh: str, **more: Any) -> Field:
    return Field(name=name, kind=kind, titles={"en": en, "zh-CN": zh}, readonly=True, origin="core", **more)


SYSTEM_FIELDS: Mapping[str, Field] = {
    f.name: f
    for f in (
        _system("id", Kind.INTEGER, "ID", "编号"),
        _system("version", Kind.INTEGER, "Version", "版本"),
        _system("created_at", Kind.INSTANT, "Created at", "创建时间"),
        _system("created_by", Kind.REF, "Created by", "创建人", ref="user"),
        _system("updated_at", Kind.INSTANT, "Updated at", "更新时间"),
        _system("updated_by", Kind.REF, "Updated by", "更新人", ref="user"),
        _system("deleted_at", Kind.INSTANT, "Deleted at", "删除时间"),
        _system("merged_into", Kind.INTEGER, "Merged into", "合并到"),
        _system("import_id", Kind.INTEGER, "Import", "导入批次"),
        _system("source", Kind.TEXT, "Source", "来源系统", exact=True),
        _system("external_id", Kind.TEXT, "External ID", "外部编号", exact=True),
    )
}
"""Columns that every table has; an entity may not declare a field of one of these names."""


@frozen
class Relation:
    """The way back along a reference: from a customer to its orders."""

    name: str
    """How conditions call it: the child's plural (``orders``), or ``orders_by_buyer`` where that is ambiguous."""
    entity: str
    """The entity that holds the reference (``order``)."""
    field: str
    """The referring field of that entity (``customer``)."""


def relations(entities: Mapping[str, Entity], target: str) -> Mapping[str, Relation]:
    """Return the relations of one entity by name: every reference that points to it, any-references included."""
    found: dict[str, Relation] = {}
    for child in entities.values():
        pointing = [f.name for f in child.fields.values() if f.ref in (target, ANY_ENTITY)]
        for name in pointing:
            called = child.plural if len(pointing) == 1 else f"{child.plural}_by_{name}"
            found[called] = Relation(called, child.name, name)
    return found
