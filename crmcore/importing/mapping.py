"""What the headers of a file mean: fields by name, title or alias, in any language of the schemas.

Where a mapping file says it instead, that is `crmcore.importing.declaring`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from crmcore.importing.columns import KEPT, FileMapping, MappedColumn, called
from crmcore.schema.model import SYSTEM_FIELDS, Kind, relations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from crmcore.schema.model import Entity, Field, Relation

__all__ = [
    "REJECTED",
    "UNREAD",
    "added_headers",
    "field_called",
    "has_key",
    "infer",
    "is_open",
    "line_relations",
    "own_headers",
]

REJECTED = ("line", "reason")
"""The first two headers of a file of rejected rows."""
UNREAD = "text"
"""The third one, where rows were rejected that could not be told apart into cells."""


def field_called(entity: Entity, header: str) -> Field | None:
    """Return the field that people may fill in and call so; a name wins over a title, a title over an alias."""
    return _vocabulary(entity, is_open).get(called(header))


def is_open(field: Field) -> bool:
    """Tell whether people may fill in the field."""
    return not (field.readonly or field.computed_by)


def own_headers(headers: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the headers of the rows' own columns, and those that a rejects file has put before them."""
    added = added_headers(headers)
    return list(dict.fromkeys(header for header in headers[len(added) :] if header)), added


def added_headers(headers: Sequence[str]) -> tuple[str, ...]:
    """Return the headers that a rejects file has put before those of its rows."""
    for added in ((*REJECTED, UNREAD), REJECTED):
        if tuple(headers[: len(added)]) == added:
            return added
    return ()


def line_relations(entity: Entity, entities: Mapping[str, Entity]) -> Mapping[str, Relation]:
    """Return the relations whose records belong to the entity's and are deleted with them, by name."""
    found = {}
    for name, relation in relations(entities, entity.name).items():
        back = entities[relation.entity].fields[relation.field]
        if back.kind is Kind.REF and back.on_delete == "delete" and not entities[relation.entity].internal:
            found[name] = relation
    return found


def has_key(entity: Entity, filled: Iterable[str]) -> bool:
    """Tell whether rows with these fields say which record of the entity they are about."""
    names = set(filled)
    rules = (set(rule.fields) for rule in entity.match if not rule.when)
    return bool(names & {"id", "external_id"}) or any(fields <= names for fields in rules)


def infer(entity: Entity, entities: Mapping[str, Entity], headers: Sequence[str]) -> FileMapping:
    """Return what the headers mean, as far as they can be understood.

    Rows are lines of records where some headers mean fields that only the lines have and the record's key is there.
    Several headers that mean one reference describe the record that it leads to, each by a field of its own.
    """
    own, mended = own_headers(headers)
    inference = _Inference(entity, entities, own)
    by_path: dict[tuple[str, ...], list[MappedColumn]] = defaultdict(list)
    unknown, left_out = [], list(mended)
    for header in own:
        column = inference.column(header)
        if column is not None:
            by_path[column.path].append(column)
        elif inference.is_closed(header):
            left_out.append(header)
        else:
            unknown.append(header)
    kept, repeated = [], []
    for columns in by_path.values():
        some, others = inference.apart(columns)
        kept += some
        repeated += others
    kept.sort(key=lambda column: own.index(column.header))
    mapping = FileMapping(
        entity=entity,
        columns=tuple(kept),
        lines=inference.lines,
        unknown=tuple(unknown),
        repeated=tuple(header for header in own if header in repeated),
        left_out=tuple(left_out),
    )
    return evolve(mapping, totals=_totals(mapping, entities))


@frozen
class _Inference:
    """What is known of an entity and of the records that belong to it."""

    entity: Entity
    entities: Mapping[str, Entity]
    headers: Sequence[str]
    known: Mapping[str, Field] = field(init=False)
    lines: Relation | None = field(init=False)
    line_words: Mapping[str, Field] = field(init=False)

    @known.default
    def _words(self) -> Mapping[str, Field]:
        return {**_system_words(self.headers), **_vocabulary(self.entity, is_open)}

    @lines.default
    def _relation_of_rows(self) -> Relation | None:
        meant = [self.known[word] for word in map(called, self.headers) if word in self.known]
        # Whether a column `ID` holds our references is not known before its cells are.
        if not has_key(self.entity, (one.name for one in meant if one is not SYSTEM_FIELDS["id"])):
            return None
        of_lines = [r for r in line_relations(self.entity, self.entities).values() if self._are_lines(r)]
        return of_lines[0] if len(of_lines) == 1 else None

    def _are_lines(self, relation: Relation) -> bool:
        words = _line_words(self.entities, relation)
        meant = [words[word] for word in map(called, self.headers) if word in words and word not in self.known]
        given = {words[word].name for word in map(called, self.headers) if word in words}
        needed = {
            one.name
            for one in self.entities[relation.entity].fields.values()
            if one.required and one.default is None and one.name != relation.field
        }
        return bool(meant) and needed <= given

    @line_words.default
    def _words_of_lines(self) -> Mapping[str, Field]:
        return _line_words(self.entities, self.lines) if self.lines else {}

    def column(self, header: str) -> MappedColumn | None:
        """Return the field that a header means, a reference whole."""
        word = called(header)
        of_record, of_line = self.known.get(word), self.line_words.get(word)
        if self.lines and of_line and not (of_record and of_record.name in self.entity.match_fields):
            return MappedColumn(header=header, path=(self.lines.name, of_line.name), field=of_line)
        if of_record is None:
            return None
        tentative = word in _ID_WORDS
        if tentative and self._is_filled(of_record):
            of_record = SYSTEM_FIELDS["id"]
        return MappedColumn(header=header, path=(of_record.name,), field=of_record, tentative=tentative)

    def _is_filled(self, field: Field) -> bool:
        """Tell whether a header that can mean nothing else means a field."""
        words = (word for word in map(called, self.headers) if word not in _ID_WORDS)
        return any(self.known.get(word) is field for word in words)

    def is_closed(self, header: str) -> bool:
        """Tell whether a header means a field that nobody may fill in."""
        word = called(header)
        closed = {**_vocabulary(self.entity, lambda one: not is_open(one)), **_words_of(_CLOSED, (_name, _titles))}
        return word in closed

    def apart(self, columns: Sequence[MappedColumn]) -> tuple[list[MappedColumn], list[str]]:
        """Tell headers that mean the same field apart: what each fills, and which are repeated."""
        first, *others = columns
        if not others or first.field.kind is not Kind.REF or first.field.ref is None:
            return [first], [column.header for column in others]
        target = _vocabulary(self.entities[first.field.ref], is_open)
        inside: dict[str, MappedColumn] = {}
        for column in columns:
            meant = target.get(called(column.header))
            if meant is not None:
                inside.setdefault(meant.name, evolve(column, path=(*column.path, meant.name), field=meant))
        kept = list(inside.values()) if len(inside) > 1 else [first]
        headers = {column.header for column in kept}
        return kept, [column.header for column in columns if column.header not in headers]


_ID_WORDS = frozenset(called(word) for word in (SYSTEM_FIELDS["id"].name, *SYSTEM_FIELDS["id"].titles.values()))
_CLOSED = [one for one in SYSTEM_FIELDS.values() if one.name not in ("id", *KEPT)]


def _system_words(headers: Iterable[str]) -> Mapping[str, Field]:
    """Return the words for the record itself and for where it comes from; a source alone may mean anything."""
    words = _words_of([SYSTEM_FIELDS[name] for name in ("id", *KEPT)], (_name, _titles))
    if "external_id" in {words[word].name for word in map(called, headers) if word in words}:
        return words
    return {word: one for word, one in words.items() if one.name != "source"}


def _line_words(entities: Mapping[str, Entity], relation: Relation) -> Mapping[str, Field]:
    """Return the words for fields of lines, without those for the record that they belong to."""
    words = _vocabulary(entities[relation.entity], is_open)
    return {word: one for word, one in words.items() if one.name != relation.field}


def _totals(mapping: FileMapping, entities: Mapping[str, Entity]) -> Mapping[str, tuple[str, str]]:
    """Return the amounts of the record that are the sums of its lines' amounts of the same name."""
    filled = {column.path for column in mapping.columns}
    fields = mapping.entity.fields
    return {
        name: (relation, name)
        for relation, name, *deeper in (column.path for column in mapping.columns if len(column.path) > 1)
        if mapping.lines is not None
        and relation == mapping.lines.name
        and not deeper
        and (name,) not in filled
        and name in fields
        and is_open(fields[name])
        and entities[mapping.lines.entity].fields[name].kind is fields[name].kind is Kind.MONEY
    }


def _vocabulary(entity: Entity, wanted: Callable[[Field], bool]) -> Mapping[str, Field]:
    return _words_of([one for one in entity.fields.values() if wanted(one)], (_name, _titles, _aliases))


def _words_of(fields: Iterable[Field], ways: Iterable[Callable[[Field], Iterator[str]]]) -> Mapping[str, Field]:
    known: dict[str, Field] = {}
    for words in ways:
        for one in fields:
            for word in words(one):
                known.setdefault(called(word), one)
    return known


def _name(field: Field) -> Iterator[str]:
    yield field.name


def _titles(field: Field) -> Iterator[str]:
    yield from field.titles.values()


def _aliases(field: Field) -> Iterator[str]:
    yield from field.aliases
