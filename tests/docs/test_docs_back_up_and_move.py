"""The how-to about backups and moving works when it is typed, with a real PostgreSQL server in its URL's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_sessions import follow

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "back-up-and-move.md"


@pytest.mark.postgresql
def test_the_how_to_prints_what_it_says(
    terminal: Callable[[str, Path], str], tmp_path: Path, postgres_url: str
) -> None:
    text = PAGE.read_text(encoding="utf-8").replace("postgresql://crm@localhost/crm", postgres_url)

    for typed, found in follow(text, tmp_path, terminal):
        assert typed.prints(found), f"$ {typed.command}\n{found}"

    assert list(tmp_path.rglob("*.part")) == []
