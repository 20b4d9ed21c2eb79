"""Writing JSON Lines: plain JSON values, so that what is read back is exactly what was written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crmcore.errors import UsageError
from crmcore_tabular.cells import as_json, wider
from crmcore_tabular.replacing import replacing
from crmcore_tabular.texts import known_codec
from crmcore_tabular.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["write_jsonl"]


def write_jsonl(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]], options: Mapping[str, Any]) -> None:
    """Write a file with an object for every row, every header a key of it.

    Raises:
        UsageError: the options name an unknown encoding.
    """
    try:
        encoding = known_codec(path, options.get("encoding") or "utf-8")
    except Unreadable as error:
        raise UsageError(error.problem.message, hint=error.problem.hint) from error
    names = list(headers)
    with replacing(path) as new, new.open("w", encoding=encoding, newline="\n") as file:
        for row in rows:
            keys = wider(names, len(row)) if len(row) > len(names) else names
            values = {key: as_json(value) for key, value in zip(keys, row, strict=False)}
            file.write(json.dumps(values, ensure_ascii=encoding != "utf-8", allow_nan=False) + "\n")
