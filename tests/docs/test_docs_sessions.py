"""The tutorial and the how-to guides work when they are typed, and print what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_sessions import follow, parts, shell

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = {
    "write-a-plugin.md": "its files are made into a package by tests/project/test_project_how_to_write_a_plugin.py",
    "bring-your-data.md": "it needs data sets that are not in the repository",
}
HOW_TO = sorted(page.name for page in (DOCS / "how-to").glob("*.md") if page.name not in ELSEWHERE)


def test_the_tutorial_prints_what_it_says(login: None, tmp_path: Path) -> None:
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    for typed, found in follow(text, tmp_path, shell):
        assert typed.prints(found), f"$ {typed.command}\n{found}"


@pytest.mark.parametrize("page", HOW_TO)
def test_a_how_to_prints_what_it_says(page: str, terminal: Callable[[str, Path], str], tmp_path: Path) -> None:
    text = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    assert any(parts(text))
    for typed, found in follow(text, tmp_path, terminal):
        assert typed.prints(found), f"$ {typed.command}\n{found}"
