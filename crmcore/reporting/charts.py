"""Charts as SVG pictures inside a page, drawn by vl-convert where the extra ``charts`` is installed.

Text stays text in the reader's fonts. A picture brings nothing from elsewhere: no links, no images, no scripts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from crmcore.i18n import current_language
from crmcore.i18n import gettext as _
from crmcore.reporting.chart_spec import complete

if TYPE_CHECKING:
    from types import ModuleType

    from crmcore.types import Chart, Report

__all__ = ["can_draw", "draw", "missing_extra"]

_log = logging.getLogger("crmcore.plugins")

_TIME_FORMATS = {"zh-CN": "zh-CN"}
"""Language -> d3's locale for names of months; English otherwise."""
_DROPPED = ("{", "href", "class", "role", "aria-")
"""Attributes that lead elsewhere, are styled by nobody, or describe parts of what has one name as a whole."""


def can_draw() -> bool:
    """Return whether charts can be drawn here."""
    return _converter() is not None


def missing_extra() -> str:
    """Return what to say where charts cannot be drawn."""
    return _('Charts are left out: they need `pip install "crmcore[charts]"`.')


def draw(report: Report, chart: Chart, *, label: str, prefix: str) -> str | None:
    """Return a chart as an ``svg`` element for an HTML page.

    Args:
        report: the chart's rows and columns.
        chart: what to draw.
        label: the picture's name for people who do not see it.
        prefix: of the ids in the picture, which are unique on the page.

    Returns:
        The element; None where vl-convert is missing or cannot draw the specification, which is logged.
    """
    converter = _converter()
    if converter is None:
        return None
    locale = _TIME_FORMATS.get(current_language())
    try:
        drawn = converter.vegalite_to_svg(complete(report, chart), allowed_base_urls=[], time_format_locale=locale)
        return _for_page(drawn, label, prefix)
    except (ValueError, ET.ParseError) as error:
        reason = str(error).strip().splitlines()
        _log.error("%s", _("chart {label}: {reason}").format(label=label, reason=" ".join(reason[:2])))
        return None


def _converter() -> ModuleType | None:
    try:
        import vl_convert  # noqa: PLC0415  # a JavaScript engine of 40 MB, for pages with charts only
    except ImportError:
        return None
    found: ModuleType = vl_convert
    return found


def _for_page(drawn: str, label: str, prefix: str) -> str:
    """Return a picture that may stand beside others in an HTML page."""
    root = ET.fromstring(drawn)  # noqa: S314  # written by vl-convert, in which texts are escaped
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        kept = {name: value for name, value in element.attrib.items() if not name.startswith(_DROPPED)}
        element.attrib = {name: value.replace("url(#", f"url(#{prefix}") for name, value in kept.items()}
        if "id" in element.attrib:
            element.set("id", prefix + element.attrib["id"])
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "style": f"--width: {root.attrib['width']}px",
        "role": "img",
        "aria-label": label,
    }
    return ET.tostring(root, encoding="unicode")
