"""The how-tos of this folder as programs: the blocks of a page are the files that its reader saves."""

from __future__ import annotations

import re
from pathlib import Path

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"

_BLOCK = re.compile(r"^(Save|Add) this (?:as|to) `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(?:python|toml)$", re.MULTILINE)


def save(page: str, folder: Path) -> None:
    """Save the files of a page in a folder; what a page adds to a file goes to its end."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    blocks = _BLOCK.findall(text)
    # A block that is no file would be one that no test has run.
    assert len(blocks) == len(_FENCE.findall(text)) > 0
    for verb, name, block in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if verb == "Save" else "a", encoding="utf-8") as file:
            file.write(block)
