"""How `make docs` turns the pages of the repository into a site with Sphinx.

The pages are those that people read in the repository, where they lie and with the links that they have. What they do
not say themselves, the order of the sidebar, is taken from the index, `docs/README.md`.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from pygments.lexer import RegexLexer, words
from pygments.lexers.special import TextLexer
from pygments.token import Keyword, Name, Number, Operator, String, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

CHECKOUT = Path(__file__).resolve().parent.parent
INDEX = "docs/README"
LONG = 40  # characters of a cell that is a sentence
KEYWORDS = "and or not in between contains starts with is empty any true false me my_team"

project = "crmcore"
author = "The crmcore authors"
project_copyright = author
version = release = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# The source is the checkout, so that links between pages, and to files that are no pages, are the same everywhere.
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/**/*.md", "plugins/*/README.md", "examples/*/README.md"]
exclude_patterns = [".*", "**/.*", "build", "crmcore", "demo", "dist", "htmlcov", "schemas", "tests"]
extensions = ["myst_parser"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = "crmcore"
html_copy_source = False
html_show_sphinx = False
# A site begins at index.html, this one at the README of the project.
html_additional_pages = {"index": "beginning.html"}
templates_path = ["site"]
html_static_path = ["site/static"]
html_css_files = ["tables.css"]


class ConditionLexer(RegexLexer):
    """Colours of the condition language."""

    name = "condition"
    flags = re.IGNORECASE
    tokens: ClassVar = {
        "root": [
            (r"'([^'\n]|'')*'|\"([^\"\n]|\"\")*\"", String),
            (r"\d+(\.\d+)?", Number),
            (words(KEYWORDS.split(), suffix=r"\b"), Keyword),
            (r"[^\W\d]\w*(\.[^\W\d]\w*)*", Name),
            (r"[-+*/=<>!]+", Operator),
            (r"\s+|.", Text),
        ]
    }


def setup(app: Sphinx) -> None:
    """Register what the pages need besides Markdown."""
    app.add_lexer("condition", ConditionLexer)
    app.add_lexer("calculation", ConditionLexer)
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", _add_sidebar)
    app.connect("doctree-read", _mark_sentences)
    app.connect("missing-reference", _leave_folder)


def _add_sidebar(app: Sphinx, page: str, source: list[str]) -> None:
    """Add to the first page, unseen, what the index links to, in its order and under its headings."""
    if page == root_doc:
        app.env.note_dependency(f"{INDEX}.md")
        source[0] += "\n".join(["", *_trees((CHECKOUT / f"{INDEX}.md").read_text(encoding="utf-8"))])


def _mark_sentences(_app: Sphinx, page: nodes.document) -> None:
    """Mark the cells of tables that need a width for reading; without it a phone makes towers of them."""
    for cell in page.findall(nodes.entry):
        if len(cell.astext()) > LONG:
            cell["classes"].append("long")


def _leave_folder(_app: Sphinx, _env: BuildEnvironment, link: Element, text: Element) -> Element | None:
    """Leave the text of a link to a folder of the repository, which a forge shows and a site does not have."""
    goal = (CHECKOUT / link["refdoc"]).parent / link["reftarget"]
    return text if goal.is_dir() else None


def _trees(index: str) -> Iterator[str]:
    seen = {root_doc, INDEX}
    yield from ["```{toctree}", ":hidden:", "", f"/{INDEX}", "```"]
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        pages = [
            posixpath.normpath(posixpath.join(posixpath.dirname(INDEX), target))
            for target in re.findall(r"\]\(([^)#:]+)\.md\)", section)
        ]
        yield from ["", "```{toctree}", ":hidden:", f":caption: {section.partition(chr(10))[0]}", ""]
        yield from [f"/{page}" for page in dict.fromkeys(pages) if page not in seen]
        yield "```"
        seen.update(pages)
