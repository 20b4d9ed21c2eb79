"""The tutorial and the how-to guides work when they are typed, and print what they say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_sessions import SavedFile, follow, parts

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = {
    **dict.fromkeys(
        (
            "write-a-plugin.md",
            "write-a-scoring-rule.md",
            "write-a-pipeline.md",
            "write-an-importer.md",
            "write-a-report.md",
            "write-an-entity.md",
        ),
        "they go on in one instance, with code of their own: see test_docs_write_a_plugin.py",
    ),
    "bring-your-data.md": "it needs data sets that are not in the repository",
    "back-up-and-move.md": "it needs a PostgreSQL server: see test_docs_back_up_and_move.py",
    **dict.fromkeys(
        ("embed-in-django.md", "embed-in-fastapi.md", "many-tenants-and-threads.md"),
        "their files are programs that tests/embedding runs",
    ),
}
_PROGRAM = re.compile(r"^\$ (?:python -m (\w+)|(pytest|ruff|uvicorn)\b)", re.MULTILINE)
HOW_TO = sorted(page.name for page in (DOCS / "how-to").glob("*.md") if page.name not in ELSEWHERE)


def test_the_tutorial_prints_what_it_says(terminal: Callable[[str, Path], str], tmp_path: Path) -> None:
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    for typed, found in follow(text, tmp_path, terminal):
        assert typed.prints(found), f"$ {typed.command}\n{found}"


@pytest.mark.parametrize("page", HOW_TO)
def test_a_how_to_prints_what_it_says(page: str, terminal: Callable[[str, Path], str], tmp_path: Path) -> None:
    text = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    assert any(parts(text))
    for typed, found in follow(text, tmp_path, terminal):
        assert typed.prints(found), f"$ {typed.command}\n{found}"


@pytest.mark.parametrize("page", HOW_TO)
def test_a_page_whose_files_or_commands_name_ada_says_that_the_reader_is_ada(page: str) -> None:
    done = [
        part.text if isinstance(part, SavedFile) else part.command
        for part in parts((DOCS / "how-to" / page).read_text(encoding="utf-8"))
    ]
    if any(re.search(r"\bada\b", one) for one in done):
        assert done.index("export CRMCORE_USER=ada") < done.index("crmcore init shop")


@pytest.mark.parametrize("page", sorted(page.name for page in (DOCS / "how-to").glob("*.md")))
def test_a_page_installs_what_it_runs(page: str) -> None:
    text = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    for run in _PROGRAM.finditer(text):
        program = run[1] or run[2]
        installed = re.search(rf"pip install [^\n`]*\b{program}\b", text[: run.start()])
        assert program in sys.stdlib_module_names or installed, f"{page}: {run[0]}"
