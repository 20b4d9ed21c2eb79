"""Declarations of scoring: metrics, and rules that give records a label, a rank or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs
from attrs import frozen
from attrs.validators import and_, gt, in_, le, matches_re, optional

from crmcore.types.checked import called, each, elements, titles
from crmcore.types.names import QUALIFIED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from crmcore.types.batches import Transaction

__all__ = ["Band", "Label", "Metric", "MetricQuery", "Rank", "ScoringRule"]


@frozen(eq=False)
class MetricQuery:
    """A SELECT of a plugin's own that gives several metrics of an entity from one scan.

    For what no single aggregate says, such as the median of the days between a customer's orders. Metrics that share
    a query share its scan.
    """

    select: Callable[[Transaction, dt.date], Any] = attrs.field(validator=called)
    """Called with the transaction and the last day that counts. Returns a SQLAlchemy SELECT over `Transaction.table`
    with a column ``id``, unique, and one column for each metric of the query, called by the part of the metric's name
    after the dot and in the form in which a field of its kind is stored. A record that is missing has empty metrics."""


@frozen(kw_only=True)
class Metric:
    """A number or day that describes a record, for scoring rules and reports.

    It is an aggregate of related records, or a column of a `MetricQuery`.

    Example:
        >>> Metric(name="abc.revenue_365d", entity="customer", relation="orders", aggregate="sum",
        ...        field="amount", date_field="order_date", days=365).name
        'abc.revenue_365d'
    """

    name: str = attrs.field(validator=matches_re(QUALIFIED))
    """``plugin.name``; conditions may use the part after the dot where it is unambiguous."""
    entity: str
    """The entity it describes (``customer``)."""
    relation: str | None = None
    """The relation that is aggregated (``orders``); None where `query` says it all."""
    aggregate: Literal["count", "sum", "min", "max"] | None = attrs.field(
        default=None, validator=optional(in_(("count", "sum", "min", "max")))
    )
    field: str | None = None
    """The aggregated field of the related entity; None for ``count``."""
    date_field: str | None = None
    """The field that places a related record in time; needed for `days` and bounded by ``as_of``."""
    days: int | None = None
    """Window in days up to and including ``as_of``; None for all time."""
    where: str | None = None
    """Condition on the related records."""
    query: MetricQuery | None = None
    """What gives the metric instead of an aggregate."""
    kind: Literal["integer", "number", "money", "date"] | None = None
    """What a metric of a `query` holds; an aggregate has the kind of its field."""
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)


@frozen
class Label:
    """One outcome of a scoring rule: the value that is written where the condition holds."""

    value: str
    condition: str


@frozen
class Band:
    """One outcome of a ranking: the value for those above a limit, and not in an earlier band."""

    value: str
    upto: float = attrs.field(validator=and_(gt(0.0), le(1.0)))
    """Where the band ends, as a share of the records or of the value counted from the best: 0.2 is the top 20 %."""


@frozen(kw_only=True)
class Rank:
    """Bands of records ordered from the largest value to the smallest.

    A record is in the first band whose end lies beyond what comes *before* it: the number of records with a larger
    value divided by all (`of` ``records``), or their values added up divided by the sum of all values above zero
    (`of` ``value``). So equal values share a band, the better one; a band always takes the record that crosses its
    end; a value of zero or less is in the last band of ``value``, where that ends at 1. Records without a value are not
    ranked. What is added up is exact: amounts and whole numbers as they are, other numbers rounded to four decimals.
    """

    by: str
    """A field, a metric, or a calculation with them (``revenue_365d - cost_365d``)."""
    bands: Sequence[Band] = attrs.field(converter=elements, validator=each(Band))
    """From the best; their ends ascend."""
    of: Literal["records", "value"] = attrs.field(default="records", validator=in_(("records", "value")))
    where: str | None = None
    """Condition on the records that are ranked."""


@frozen(kw_only=True)
class ScoringRule:
    """What gives records of an entity the value of a computed field: labels, a rank, or an expression.

    Exactly one of `labels`, `rank` and `expression` is given. Of labels the first whose condition holds wins.
    """

    name: str = attrs.field(validator=matches_re(QUALIFIED))
    entity: str
    field: str
    """The read-only field that the rule writes; its schema says ``computed_by``."""
    labels: Sequence[Label] = attrs.field(default=(), converter=elements, validator=each(Label))
    rank: Rank | None = None
    expression: str | None = None
    """A calculation with fields and metrics, in the condition language; the field is a number, an amount or a date."""
    otherwise: str | None = None
    """Value where no condition holds, or a record is not ranked; None empties the field."""
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)
