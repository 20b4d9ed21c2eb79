"""Random rows, and random conditions that are well typed, for the test that compares the three executions.

Plain functions of a `random.Random`: Hypothesis gives the seed. Its strategies for such deep choices were a hundred
times slower than the databases under test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from conditions_world import ENTITIES, NOW, TODAY, Row, World

from crmcore.conditions import limits
from crmcore.conditions import syntax as s
from crmcore.schema.model import Field, Kind, relations
from crmcore.types import Ref

if TYPE_CHECKING:
    from random import Random

# Few different values, so that comparisons often hold; among them what databases are known to disagree on.
TEXTS = (
    "abc", "ABC", "Abc Ltd", "ＡＢＣ", "abcd", "straße", "STRASSE", "strasse 1", "İstanbul", "i̇stanbul",
    "istanbul", "电子", "电子厂",
    "北京电子厂", "a%c", "a_c", "%", "_", "'", "''", '"', "\\", "ä", "Ä", "a\u0308", "é", "ﬀ", "ff", "\U0001f600",
    "\uffff", "\U0010ffff", "zz", "0",
)  # fmt: skip
NUMBERS = (
    "0", "1", "2", "3", "0.1", "0.2", "0.3", "2.5", "10", "100", "1000", "0.00005", "1000.0001",
    "999999999999999999", "0.00000000000000001", "9007199254740993",
)  # fmt: skip
INTEGERS = (0, 1, -1, 2, 3, 7, 100, 2**53 - 1, 1 - 2**53)
FLOATS = (0.0, 0.1, 0.2, 0.3, -0.5, 1.0, 3.0, 1e300, -1e300, 1e-300, 5e-324, 2.0**53, 2.0**-53, 2.0**-54, 1e17)
AMOUNTS = ("0", "0.0001", "-0.0001", "0.1", "0.3", "1", "3", "1000", "-99999999999999.9999", "99999999999999.9999")
DATES = (
    TODAY, dt.date(2026, 2, 28), dt.date(2024, 2, 29), dt.date(2026, 1, 31), dt.date(2026, 10, 31), dt.date.min,
    dt.date.max,
)  # fmt: skip
INSTANTS = tuple(
    map(
        dt.datetime.fromisoformat,
        (
            "2026-11-30T03:30:00Z", "2026-11-29T16:00:00Z", "2026-11-29T15:59:59.999999Z", "2026-11-30T16:00:00Z",
            "2026-11-30T00:00:00Z", "2026-11-30T03:00:00Z", "0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z",
        ),
    )
)  # fmt: skip
ZONES = ("Asia/Shanghai", "UTC", "America/Sao_Paulo")
COUNTS = {"team": 2, "user": 3, "customer": 12, "order": 14, "activity": 8}
Keep = Callable[[Field], bool]


def random_world(r: Random) -> World:
    """Return rows of every entity with any field empty, links present, absent, and to deleted rows."""
    rows = {entity: [_row(r, entity, id) for id in range(1, most + 1)] for entity, most in COUNTS.items()}
    me, team = r.choice([(1, 1), (2, None), (None, None)])
    return World(rows, {"today": TODAY, "now": NOW, "timezone": ZoneInfo(r.choice(ZONES)), "me": me, "my_team": team})


def random_condition(r: Random, entity: str) -> s.Node:
    """Return a condition over an entity, of any kind that the language has and within its limits."""
    while True:
        made = _condition(r, entity, 3, top=True)
        if _height(made) <= limits.MAX_DEPTH:
            return made


def random_calculation(r: Random, entity: str) -> s.Node:
    """Return a calculation with the fields and metrics of an entity, within the limits of the language."""
    leaves = _Leaves(r, entity, top=True)
    while True:
        made = r.choice((leaves.sum, leaves.sum, leaves.number, leaves.moved, leaves.last_order, leaves.between_days))()
        if made is not None and _height(made) <= limits.MAX_DEPTH and not _divides_by_zero(made):
            return made


def _divides_by_zero(node: s.Node) -> bool:
    by_zero = isinstance(node, s.Arithmetic) and node.op == "/" and node.right == s.Number(Decimal(0))
    return by_zero or any(map(_divides_by_zero, s.children(node)))


def _height(node: s.Node) -> int:
    return max((1 + _height(child) for child in s.children(node)), default=0)


def _condition(r: Random, entity: str, depth: int, *, top: bool) -> s.Node:
    form = r.random()
    if depth and form < 0.4:
        parts = tuple(_condition(r, entity, depth - 1, top=top) for _ in range(r.randint(2, 3)))
        return r.choice((s.And, s.Or))(parts)
    if depth and form < 0.55:
        return s.Not(_condition(r, entity, depth - 1, top=top))
    known = relations(ENTITIES, entity)
    if depth and known and form < 0.65:
        name = r.choice(sorted(known))
        inner = _condition(r, known[name].entity, min(depth - 1, 1), top=False) if r.random() < 0.8 else None
        return s.Any(name, inner)
    return _Leaves(r, entity, top=top).any()


def _row(r: Random, entity: str, id: int) -> Row:
    row: Row = {"id": id, "deleted_at": NOW if r.random() < 0.1 else None}
    for field in ENTITIES[entity].fields.values():
        empty = r.random() < 0.25 or (field.ref == entity and id == 1)
        row[field.name] = None if empty else _random_value(r, field, entity, id)
    return row


def _random_value(r: Random, field: Field, entity: str, id: int) -> Any:
    match field.kind:
        case Kind.TEXT:
            return r.choice(field.enum or TEXTS)
        case Kind.INTEGER:
            return r.choice((*INTEGERS, r.randint(-5, 5)))
        case Kind.NUMBER:
            return r.choice((*FLOATS, r.uniform(-10, 10)))
        case Kind.BOOLEAN:
            return r.random() < 0.5
        case Kind.MONEY:
            return r.choice((*map(Decimal, AMOUNTS), Decimal(r.randint(-100000, 100000)).scaleb(-r.randint(0, 4))))
        case Kind.DATE:
            return r.choice((*DATES, TODAY + dt.timedelta(r.randint(-60, 60))))
        case Kind.INSTANT:
            return r.choice((*INSTANTS, NOW + dt.timedelta(seconds=r.randint(-(10**6), 10**6))))
        case Kind.REF:
            return r.randint(1, id - 1 if field.ref == entity else COUNTS[str(field.ref)])
        case Kind.ANY_REF:
            return Ref(r.choice(("customer", "order")), r.randint(1, 4))
    return r.sample(TEXTS, r.randint(1, 3)) if field.name == "tags" else {"city": "上海"}


@cache
def _paths(entity: str, links: int = 2) -> tuple[tuple[tuple[str, ...], Field], ...]:
    """Every field that a name can reach."""

    def found() -> Iterator[tuple[tuple[str, ...], Field]]:
        for field in ENTITIES[entity].fields.values():
            yield (field.name,), field
            if field.kind is Kind.REF and links:
                yield from (((field.name, *path), end) for path, end in _paths(str(field.ref), links - 1))

    return tuple(found())


class _Leaves:
    """Comparisons over one entity."""

    def __init__(self, r: Random, entity: str, *, top: bool) -> None:
        self.r, self.entity = r, entity
        self.metrics = top and entity == "customer"

    def any(self) -> s.Node:
        forms = (
            self.folded, self.exact, self.fixed, self.tags, self.booleans, self.emptiness, self.stored_numbers,
            self.calculated, self.days, self.instants, self.records, self.any_records,
        )  # fmt: skip
        made = None
        while made is None:
            made = self.r.choice(forms)()
        return made

    def folded(self) -> s.Node | None:
        name = self.name(lambda f: f.folded)
        if self.r.random() < 0.4:
            return name and self.searched(name, self.text())
        return name and self.compared(name, self.text, self.text, other=self.name(lambda f: f.folded))

    def exact(self) -> s.Node | None:
        name = self.name(lambda f: f.exact)
        if self.r.random() < 0.4:
            return name and self.searched(name, self.text())
        return name and self.compared(name, self.text, self.text)

    def fixed(self) -> s.Node | None:
        name, other = self.name(lambda f: "East" in f.enum), self.name(lambda f: "East" in f.enum)
        region = lambda: s.String(self.r.choice(("East", "West", "华东")))  # noqa: E731
        return name and self.compared(name, region, region, other=other, ordered=False)

    def tags(self) -> s.Node | None:
        name = self.name(lambda f: f.name == "tags")
        return name and s.Contains(name, self.text(), self.coin())

    def booleans(self) -> s.Node | None:
        name, other = self.name(lambda f: f.kind is Kind.BOOLEAN), self.name(lambda f: f.kind is Kind.BOOLEAN)
        boolean = lambda: s.Boolean(self.coin())  # noqa: E731
        if name is None or self.r.random() < 0.3:
            return name
        return self.compared(name, boolean, boolean, other=other, ordered=False)

    def emptiness(self) -> s.Node | None:
        made = (
            lambda: self.name(lambda f: True),
            self.sum,
            self.moved,
            lambda: s.Viewer(self.r.choice(("me", "my_team"))),
        )
        operand = self.r.choice(made)()
        return operand and s.Empty(operand, self.coin())

    def stored_numbers(self) -> s.Node | None:
        number = self.number()
        return number and self.compared(number, self.constant_number, self.constant_number, other=self.number())

    def calculated(self) -> s.Node | None:
        operand = self.sum()
        return operand and self.compared(operand, self.constant_number, self.constant_number, other=self.sum())

    def days(self) -> s.Node | None:
        stored = self.r.choice((self.stored_date, self.stored_date, self.moved, self.last_order))()
        other = self.r.choice((self.stored_date, self.moved))()
        return stored and self.compared(stored, self.fixed_date, self.fixed_date, other=other)

    def instants(self) -> s.Node | None:
        names = [self.name(lambda f: f.kind is Kind.INSTANT) for _ in range(2)]
        if names[0] is None:
            return None
        return self.compared(names[0], self.fixed_instant, None, other=names[1])

    def records(self) -> s.Node | None:
        to = self.r.choice(("user", "team", "customer"))
        name, other = self.name(lambda f: f.ref == to), self.name(lambda f: f.ref == to)
        viewer = {"user": "me", "team": "my_team"}.get(to)

        def record() -> s.Node:
            ids = (s.Number(Decimal(1)), s.Number(Decimal(2)), s.Number(Decimal(10**17)), s.String(f"{to}:1"))
            return self.r.choice((*ids, s.Viewer(viewer)) if viewer else ids)

        if to == self.entity and self.coin():
            return s.Comparison("=", s.Name(("id",)), other or s.String(f"{to}:2"))
        return name and self.compared(name, record, record, other=other, ordered=False)

    def any_records(self) -> s.Node | None:
        name, other = self.name(lambda f: f.kind is Kind.ANY_REF), self.name(lambda f: f.kind is Kind.ANY_REF)
        ref = lambda: s.String(self.r.choice(("customer:1", "customer:2", "order:1", "order:" + "9" * 20)))  # noqa: E731
        return name and self.compared(name, ref, ref, other=other, ordered=False)

    def compared(
        self,
        operand: s.Node,
        constant: Callable[[], s.Node],
        listed: Callable[[], s.Node] | None,
        *,
        other: s.Node | None = None,
        ordered: bool = True,
    ) -> s.Node:
        """Return a comparison of any form with a constant, or with another operand, either way round."""
        r = self.r
        right = other if other is not None and r.random() < 0.3 else constant()
        op = r.choice(("=", "!=", "<", "<=", ">", ">=") if ordered else ("=", "!="))
        form = r.random()
        if listed is not None and form < 0.25:
            return s.In(operand, tuple(listed() for _ in range(r.randint(1, 3))), self.coin())
        if ordered and form < 0.4:
            return s.Between(operand, constant(), right, self.coin())
        return s.Comparison(op, operand, right) if form < 0.8 else s.Comparison(op, right, operand)

    def searched(self, name: s.Node, text: s.Node) -> s.Node:
        return self.r.choice((s.Contains, s.StartsWith))(name, text, self.coin())

    def name(self, keep: Keep) -> s.Node | None:
        found = [path for path, field in _paths(self.entity) if keep(field)]
        own = [path for path in found if len(path) == 1]
        # Own fields as often as those behind links.
        choices = self.r.choice([names for names in (own, found) if names] or [[]])
        return s.Name(self.r.choice(choices)) if choices else None

    def coin(self) -> bool:
        return self.r.random() < 0.5

    def text(self) -> s.Node:
        return s.String(self.r.choice(TEXTS))

    def literal_number(self) -> s.Node:
        return s.Number(Decimal(self.r.choice(NUMBERS)))

    def constant_number(self) -> s.Node:
        if self.r.random() < 0.6:
            return self.literal_number()
        if self.coin():
            return s.Minus(self.literal_number())
        return self.divisible(self.r.choice("+-*/"), self.literal_number(), self.constant_number())

    def number(self) -> s.Node | None:
        form = self.r.random()
        if self.metrics and form < 0.15:
            return s.Name(self.r.choice((("orders_count",), ("abc", "revenue"))))
        if form < 0.3 and (first := self.stored_date()):
            return s.Arithmetic("-", first, self.r.choice((self.stored_date, self.fixed_date, self.moved))() or first)
        return self.name(lambda f: f.kind in (Kind.INTEGER, Kind.NUMBER, Kind.MONEY))

    def sum(self, depth: int = 2) -> s.Node | None:
        form = self.r.random()
        if depth == 0 or form < 0.2:
            return self.number() if self.r.random() < 0.7 else self.literal_number()
        if form < 0.3:
            inner = self.sum(depth - 1)
            return inner and s.Minus(inner)
        left, right = self.sum(depth - 1), self.sum(depth - 1)
        return left and right and self.divisible(self.r.choice("+-*/"), left, right)

    def divisible(self, op: str, left: s.Node, right: s.Node) -> s.Node:
        zero = right == s.Number(Decimal(0))
        return s.Arithmetic("*" if zero and op == "/" else op, left, right)

    def duration(self, units: tuple[str, ...] = ("day", "week")) -> s.Node:
        count = self.r.choice((0, 1, 2, 30, self.r.randint(0, 60), limits.MAX_DURATION))
        return s.Duration(count, self.r.choice(units))

    def stored_date(self) -> s.Node | None:
        return self.name(lambda f: f.kind is Kind.DATE)

    def last_order(self) -> s.Node | None:
        return s.Name(("last_order",)) if self.metrics else self.stored_date()

    def moved(self) -> s.Node | None:
        base = self.stored_date()
        return base and s.Arithmetic(self.r.choice("+-"), base, self.duration())

    def between_days(self) -> s.Node | None:
        stored, other = self.stored_date(), self.fixed_date()
        return stored and s.Arithmetic("-", *((stored, other) if self.coin() else (other, stored)))

    def fixed_date(self) -> s.Node:
        base = s.Call("today") if self.coin() else s.String(self.r.choice(DATES).isoformat())
        for _ in range(self.r.choice((0, 0, 1, 2))):
            base = s.Arithmetic(self.r.choice("+-"), base, self.duration(("day", "week", "month", "year")))
        return base

    def fixed_instant(self) -> s.Node:
        literals = ("2026-11-30 00:00", "2026-11-29T16:00:00Z", "2026-11-30T10:15:00.5-03:00", "0001-01-01 00:00")
        now = s.Call("now")
        form = self.r.random()
        if form < 0.5:
            return self.fixed_date()
        if form < 0.7:
            return s.String(self.r.choice(literals))
        return now if form < 0.85 else s.Arithmetic(self.r.choice("+-"), now, self.duration())
