"""Write what the reference pages take from the code, or say which of it is not current.

A page in `docs/reference/` has blocks between two comments, which neither a forge nor the site shows::

    <!-- made from the code: keys crm-toml instance -->
    ...
    <!-- end -->

What stands between them is made by the function that the first word names, from the words after it. Everything else
on a page is written by people. `--check` writes nothing, and ends with code 1 where a block is not what it would be.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import commands
import entities
import errors
import first_party
import hooks
import keys
import public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"
BLOCK = re.compile(r"(<!-- made from the code: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
MAKERS: Mapping[str, Callable[..., str]] = {
    "command": commands.command,
    "entities": entities.entities,
    "errors": errors.errors,
    "hook": hooks.hook,
    "hooks": hooks.overview,
    "keys": keys.keys,
    "keywords": keys.keywords,
    "options": commands.shared_options,
    "plugin": first_party.plugin,
    "public": public.names,
    "system-fields": entities.system_fields,
}


def made(text: str) -> str:
    """Return a page with its blocks made anew."""

    def block(match: re.Match[str]) -> str:
        maker, *words = match[2].split()
        return f"{match[1]}\n{MAKERS[maker](*words).strip()}\n\n{match[4]}"

    return BLOCK.sub(block, text)


def main() -> None:
    """Write the pages, or check them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        current = made(text)
        if current != text:
            stale.append(page.name)
            if not check:
                page.write_text(current, encoding="utf-8")
    if check and stale:
        print(f"not as the code is now: {', '.join(stale)} in docs/reference. `make reference` writes them.")
        sys.exit(1)
    if not check:
        print(f"written: {', '.join(stale)}" if stale else "the reference is as the code is")


if __name__ == "__main__":
    main()
