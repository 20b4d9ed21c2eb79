"""Writing a file so that at every moment the old one or the whole new one is there."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new path beside a file; what was written there takes the file's place, or is removed after an error."""
    if path.exists() and not path.is_file():  # a pipe or a terminal has nothing to lose
        yield path
        return
    path = path.resolve()  # the file that a link leads to is replaced, not the link
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        yield new
        with new.open("rb+") as file:
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
