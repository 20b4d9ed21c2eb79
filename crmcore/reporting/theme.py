"""How charts look: one theme for all of them, on white, on dark screens and on paper.

Texts, axes and grids have the page's own colour (``currentColor``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FONTS", "LABEL_LIMIT", "LABEL_SIZE", "PALETTE", "THEME", "WIDTH"]

FONTS = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
"""Fonts of the reader's machine; Chinese is readable with each system's own."""
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#7f7f7f")
"""Colours that colour-blind people tell apart: Okabe and Ito, "Color Universal Design" (2008), with grey in place of
yellow and black, which white and dark paper swallow."""
WIDTH = 944
"""Of a chart with its axes, in pixels; a page shows it smaller where there is less room."""
LABEL_SIZE = 13
LABEL_LIMIT = 210
"""Pixels after which a label is cut."""

_FAINT, _HALF = 0.14, 0.45

THEME: Mapping[str, Any] = {
    "aria": False,  # the picture as a whole has a name, and the table beside it the values
    "background": None,
    "font": FONTS,
    "padding": {"left": 12, "right": 30, "top": 4, "bottom": 4},  # for labels wider than Vega thinks
    "view": {"stroke": None, "continuousHeight": 320, "discreteHeight": {"step": 30}},
    "axis": {
        "labelColor": "currentColor",
        "labelFlush": False,
        "labelFontSize": LABEL_SIZE,
        "labelLimit": LABEL_LIMIT,
        "labelOverlap": True,
        "labelSeparation": 8,
        "labelPadding": 6,
        "titleColor": "currentColor",
        "titleFontSize": LABEL_SIZE,
        "titleFontWeight": 600,
        "titlePadding": 10,
        "domainColor": "currentColor",
        "domainOpacity": _HALF,
        "gridColor": "currentColor",
        "gridOpacity": _FAINT,
        "ticks": False,
    },
    # Above the axis: titles that stand on their side are hard to read, Chinese ones most of all.
    "axisLeft": {"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleX": 0, "titleY": -10},
    "axisRight": {"titleAngle": 0, "titleAlign": "right", "titleBaseline": "bottom", "titleX": 0, "titleY": -10},
    "axisQuantitative": {"domain": False, "tickCount": 6},
    "legend": {
        "orient": "top",
        "offset": 28,  # above the title of the axis, for which Vega leaves no room
        "labelColor": "currentColor",
        "labelFontSize": LABEL_SIZE,
        "titleColor": "currentColor",
        "titleFontSize": LABEL_SIZE,
        "titleFontWeight": 600,
    },
    "header": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": LABEL_SIZE},
    "range": {"category": list(PALETTE)},
    "mark": {"color": PALETTE[0]},
    "bar": {"cornerRadiusEnd": 2},
    "line": {"strokeWidth": 2.5, "strokeJoin": "round"},
    "area": {"fillOpacity": 0.2, "line": {"color": PALETTE[0]}},
    "point": {"filled": True, "size": 45},
    "rule": {"color": "currentColor", "opacity": _HALF},
    "text": {"color": "currentColor", "fontSize": LABEL_SIZE},
}
"""Vega-Lite's ``config``."""
