"""A chart's complete Vega-Lite specification: the plugin's, with data, titles, types, room for labels and the theme.

Drawing it is :mod:`crmcore.reporting.charts`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.i18n import title_in
from crmcore.reporting.theme import LABEL_LIMIT, LABEL_SIZE, THEME, WIDTH
from crmcore.reporting.values import EMPTY, json_value, titled_value
from crmcore.types import HIDDEN

if TYPE_CHECKING:
    from crmcore.types import Chart, Column, Report
    from crmcore.types.reports import ValueKind

__all__ = ["complete"]

_TYPES: Mapping[ValueKind, str] = {
    "text": "nominal",
    "ref": "nominal",
    "date": "temporal",
    "integer": "quantitative",
    "number": "quantitative",
    "money": "quantitative",
    "share": "quantitative",
}
_UNDRAWABLE = re.compile("[\x00-\x1f\x7f\ufffe\uffff]")
"""Characters that have no place in XML or no picture."""
_COMPOSED = ("facet", "repeat", "concat", "vconcat")
"""Specifications of several views, which are as wide as they say themselves."""
_SLANT = 35
"""Degrees by which labels are turned that would run into each other."""
_SLANTED_LIMIT = 120
"""Pixels after which such a label is cut: the first one must not leave the picture on the left."""
_AXIS_ROOM = 110
"""Pixels beside a chart that are left for the other axis, about."""
_LATIN_WIDTH = 0.62
"""Of a letter, in parts of its height; a Chinese character is as wide as high."""


@frozen
class _Data:
    """The columns by name, and every row as an object."""

    columns: Mapping[str, Column]
    rows: list[dict[str, Any]]

    def texts(self, field: str) -> list[str]:
        return list(dict.fromkeys(str(row[field]) for row in self.rows if row[field] is not None))


def complete(report: Report, chart: Chart) -> dict[str, Any]:
    """Return a chart's specification with everything that Vega-Lite needs to draw it."""
    names = [column.name for column in report.columns]
    rows = [dict(zip(names, map(_plain, report.columns, row), strict=True)) for row in report.rows]
    data = _Data({column.name: column for column in report.columns}, rows)
    spec = {"data": {"values": rows}, **_filled(chart.spec, data), "config": THEME}
    if "hconcat" in spec:
        return {**spec, "hconcat": _side_by_side(spec["hconcat"])}
    if any(key in spec for key in _COMPOSED):
        return spec
    # The whole picture is as wide as every other on the page, whatever its axes need.
    return {"width": WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}, **spec}


def _side_by_side(views: Any) -> Any:
    if not isinstance(views, list):
        return views
    room = WIDTH // max(len(views), 1) - _AXIS_ROOM
    return [{"width": room, **view} if isinstance(view, Mapping) else view for view in views]


def _plain(column: Column, found: Any) -> Any:
    value = titled_value(column, found)
    if value is None or value is HIDDEN:
        return EMPTY if _TYPES[column.kind] == "nominal" else None
    if isinstance(value, str):
        return _UNDRAWABLE.sub(" ", value)
    return float(value) if isinstance(value, Decimal) else json_value(value)


def _filled(part: Any, data: _Data) -> Any:
    """Return a part of a specification with its encodings filled in, those of the layers in it as well."""
    if isinstance(part, Mapping):
        return {
            name: _encoding(below, data) if name == "encoding" and isinstance(below, Mapping) else _filled(below, data)
            for name, below in part.items()
        }
    return [_filled(below, data) for below in part] if isinstance(part, list | tuple) else part


def _encoding(encoding: Mapping[str, Any], data: _Data) -> dict[str, Any]:
    return {
        channel: [_channel(channel, one, data) for one in definition]
        if isinstance(definition, list | tuple)
        else _channel(channel, definition, data)
        for channel, definition in encoding.items()
    }


def _channel(channel: str, definition: Any, data: _Data) -> Any:
    if not isinstance(definition, Mapping):
        return definition
    column = data.columns.get(str(definition.get("field")))
    if column is None:
        return dict(definition)
    filled = {"type": _TYPES[column.kind], "title": title_in(column.titles, column.name), **definition}
    if filled["type"] == "temporal":
        _in_utc(filled)
    if filled["type"] == "nominal":
        filled.setdefault("sort", None)  # the order of the rows
    if channel in ("x", "y") and filled.get("axis", {}) is not None:
        filled["axis"] = {**_axis(channel, column, filled["type"], data), **filled.get("axis", {})}
    return filled


def _in_utc(filled: dict[str, Any]) -> None:
    """Let a day stay the day that it is: it is read as midnight UTC, and would be shown in the machine's time zone."""
    unit = filled.get("timeUnit")
    if isinstance(unit, str):
        filled["timeUnit"] = unit if unit.startswith("utc") else f"utc{unit}"
    elif filled.get("scale", {}) is not None:
        filled["scale"] = {"type": "utc", **filled.get("scale", {})}


def _axis(channel: str, column: Column, kind: str, data: _Data) -> dict[str, Any]:
    if kind == "quantitative":
        return {"format": ".0%"} if column.kind == "share" else {}
    if kind not in ("nominal", "ordinal"):
        return {}
    texts = data.texts(column.name)
    longest = max(map(_pixels, texts), default=0.0)
    # Without the reader's fonts Vega takes Chinese characters for narrower than they are: room is asked for here.
    if channel == "y":
        return {"minExtent": math.ceil(min(longest, LABEL_LIMIT))}
    step, sine = (WIDTH - _AXIS_ROOM) / max(len(texts), 1), math.sin(math.radians(_SLANT))
    if longest + LABEL_SIZE / 2 <= step:
        return {"labelAngle": 0}
    return {
        "labelAngle": -_SLANT,
        "labelLimit": _SLANTED_LIMIT,
        "labelOverlap": step * sine < LABEL_SIZE,  # labels are left out only where lines would run into each other
        "minExtent": math.ceil(min(longest, _SLANTED_LIMIT) * sine + LABEL_SIZE),
    }


def _pixels(text: str) -> float:
    """Return how wide a label is, about."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return LABEL_SIZE * (wide + (len(text) - wide) * _LATIN_WIDTH)
