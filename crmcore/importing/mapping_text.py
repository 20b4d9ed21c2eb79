"""A plan written down as a mapping file, to start from or to keep; read again in `crmcore.importing.mapping_file`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.importing.columns import DATED
from crmcore.importing.mapping import REJECTED, UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.importing.columns import MappedColumn, Style
    from crmcore.importing.plan import Plan

__all__ = ["as_mapping_file"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_mapping_file(plan: Plan, options: Mapping[str, Any] | None = None) -> str:
    """Return the TOML text of a mapping file by which the same headers are read in the same way.

    Args:
        plan: to be written down.
        options: of the reader, where some were chosen.
    """
    mapping = plan.mapping
    fills = {".".join(fill.path): fill.value for fill in mapping.fills}
    totals = {name: ".".join(path) for name, path in mapping.totals.items()}
    tables = [
        f"entity = {_value(plan.entity.name)}",
        _table("file", options or {}),
        "\n".join(["[columns]", *_columns(plan)]),
        _table("fill", fills),
        _table("totals", totals),
        _table(
            "skip", {"when": {header: list(texts) for header, texts in mapping.skips.items()}} if mapping.skips else {}
        ),
    ]
    return "\n\n".join(table for table in tables if table) + "\n"


def _columns(plan: Plan) -> Iterator[str]:
    by_header: dict[str, list[MappedColumn]] = defaultdict(list)
    for column in plan.columns:
        by_header[column.header].append(column)
    for header, columns in by_header.items():
        targets = [_target(column, plan.date_format) for column in columns]
        yield f"{_key(header)} = {_value(targets[0] if len(targets) == 1 else targets)}"
    for header in plan.left_out:
        if header not in (*REJECTED, UNREAD):
            yield f"{_key(header)} = false"
    undecided = [*plan.unknown, *plan.repeated]
    if undecided:
        yield _("# Columns that nothing is taken from. Give each a field, or false to leave it out on purpose.")
    for header in undecided:
        yield f"# {_key(header)} = false"


def _target(column: MappedColumn, date_format: str | None) -> Any:
    style = _style(column, date_format)
    if column.if_empty:
        style = {**style, "if_empty": True}
    return {"field": column.target, **style} if style else column.target


def _style(column: MappedColumn, date_format: str | None) -> Mapping[str, Any]:
    style: Style = column.style
    said = {
        "format": style.format or (date_format if column.field.kind in DATED else None),
        "decimal": style.decimal,
        "scale": style.scale,
        "currency": style.currency,
        "rate": style.rate,
        "round": style.round,
        "of": style.of,
        "as": style.writing,
        "values": style.values or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _table(name: str, entries: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in entries.items()]
    return "\n".join([f"[{name}]", *lines]) if lines else ""


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    """Return a value as TOML has it; its texts are written as JSON writes them, but for one character."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    written = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return written.encode("utf-8", "replace").decode()  # half a surrogate pair can be in no file
