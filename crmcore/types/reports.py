"""Declarations of reports, and what they give: facts, a table, charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs
from attrs import frozen
from attrs.validators import matches_re

from crmcore.types.checked import a, called, each, elements, titles
from crmcore.types.names import QUALIFIED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crmcore.types.batches import Transaction

__all__ = ["AS_OF", "Chart", "Column", "Fact", "Report", "ReportType", "ValueKind"]

ValueKind = Literal["text", "integer", "number", "money", "date", "share", "ref"]
"""What a value is, and how it is shown: text (`str`), integer (`int`), number (`int`, `float`, `Decimal`), money
(`Decimal`, never `float`), date (`datetime.date`), share (a fraction of 1, shown as a percentage), ref
(`crmcore.types.Ref`)."""

AS_OF: Mapping[str, Any] = {
    "type": "string",
    "format": "date",
    "title": "As of this day; by default today",
    "x-crm": {"titles": {"zh-CN": "截至日期（默认今天）"}},
}
"""Schema of a report's parameter ``as_of``, as reports mostly have it: ``parameters.get("as_of") or tx.today``."""


@frozen(kw_only=True)
class Column:
    """A column of a report."""

    name: str
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)
    kind: ValueKind = "text"
    field: str | None = None
    """Entity and field whose values these are, ``customer.abc_class``: people read the titles of its codes, in tables
    and charts; CSV and JSON keep the codes."""
    values: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict, validator=a(Mapping))
    """Code -> its titles by language, filled in from `field`."""


@frozen(kw_only=True)
class Fact:
    """One figure of a report that stands by itself: the forecast, the number of customers."""

    name: str
    value: Any
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)
    kind: ValueKind = "number"


@frozen(kw_only=True)
class Chart:
    """A chart of a report's rows, as a Vega-Lite specification.

    Its data are the rows, one object for each with the columns' names as keys; amounts are numbers there, days ISO
    text. What an encoding leaves out is filled in from its column: the type, the title in the language that is spoken,
    percentages for shares, and the order of the rows instead of the alphabet.

    Example:
        >>> Chart(spec={"mark": "bar", "encoding": {"x": {"field": "class"}, "y": {"field": "revenue"}}})
        Chart(spec={'mark': 'bar', 'encoding': {'x': {'field': 'class'}, 'y': {'field': 'revenue'}}}, titles={})
    """

    spec: Mapping[str, Any]
    """Vega-Lite without ``data`` and ``config``. A field is a column, or what a transformation calls so by ``as``."""
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)


@frozen(kw_only=True)
class Report:
    """What a report type computed: columns, and rows of plain values in their order; facts above, charts beside."""

    titles: Mapping[str, str] = attrs.field(validator=titles)
    columns: Sequence[Column] = attrs.field(converter=elements, validator=each(Column))
    rows: Sequence[Sequence[Any]] = attrs.field(converter=elements)
    facts: Sequence[Fact] = attrs.field(default=(), converter=elements, validator=each(Fact))
    charts: Sequence[Chart] = attrs.field(default=(), converter=elements, validator=each(Chart))
    notes: Sequence[str] = attrs.field(default=(), converter=elements, validator=each(str))
    """Sentences under the table, in the language that is spoken: what was counted, what was left out."""


@frozen(kw_only=True)
class ReportType:
    """A report that a plugin offers under ``crmcore report run NAME``."""

    name: str = attrs.field(validator=matches_re(QUALIFIED))
    summary: str
    compute: Callable[[Transaction, Mapping[str, Any]], Report] = attrs.field(validator=called)
    """Called with the transaction and the parameters, defaults filled in; one whose schema says ``"format": "date"``
    is a `datetime.date`. What it returns is checked: a row is as wide as the columns, a value of its column's kind or
    None."""
    parameters: Mapping[str, Any] = attrs.field(factory=dict, validator=a(Mapping))
    """JSON Schema of an object. A parameter's name for people is its ``title``, or ``x-crm: {"titles": {...}}``."""
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)
