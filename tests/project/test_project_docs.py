"""The documentation holds together, and the check that says so notices what it should."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / ".ci" / "docs_check.py"


def check(*folder: Path) -> list[str]:
    command = [sys.executable, str(SCRIPT), *map(str, folder)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False).stdout.splitlines()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A README, an index and one page that it leads to."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Thing\n\n[docs](docs/README.md)\n")
    (tmp_path / "docs" / "README.md").write_text("# Index\n\n- [one](one.md)\n")
    (tmp_path / "docs" / "one.md").write_text("# One\n\n## Set-up & use: `crm.toml`\n\n## Again\n\n## Again\n")
    return tmp_path


def write(pages: Path, text: str) -> None:
    (pages / "README.md").write_text(text, encoding="utf-8")


def test_the_documentation_of_this_project_has_no_mistakes() -> None:
    found = check()
    assert len(found) == 1, "\n".join(found)
    assert found[0].endswith("no mistakes")


@pytest.mark.parametrize(
    "text",
    [
        "[page](docs/one.md), [image](docs/one.md#one), ![elsewhere](https://example.org/x.png)",
        "[anchor](docs/one.md#set-up--use-crmtoml) [second](docs/one.md#again-1) [mail](mailto:a@example.org)",
        "# Here\n\n[here](#here) and [titled](docs/one.md \"One\") and [spaced](<docs/one.md>)",
        "# 中文 标题\n\n[标题](#中文-标题)",
        "`[code](nowhere.md)` and ``[code ` too](nowhere.md)``",
        "```\n[fenced](nowhere.md)\n```",
        "[named][one]\n\n[one]: docs/one.md",
        "```json\n{\"a\": 1}\n```\n\n```toml\na = 1\n```",
        "```python\n>>> x = 1 + 1\n```\n\ntext\n\n```python\n>>> x\n2\n```",
        "```python\nthis is not run\n```",
        "see path/home/ann/x, ~/home/ann/ and https://example.org/home/ann/",
    ],
)  # fmt: skip
def test_good_pages_pass(pages: Path, text: str) -> None:
    write(pages, text)
    assert check(pages) == ["3 pages, no mistakes"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[x](nowhere.md)", "README.md:1: the link nowhere.md leads nowhere: there is no nowhere.md"),
        ("\n\n[x](docs/two.md#a)", "README.md:3: the link docs/two.md#a leads nowhere: there is no docs/two.md"),
        ("[x](docs/one.md#two)", "README.md:1: the link docs/one.md#two leads nowhere: one.md has no heading #two"),
        ("[x](docs/one.md#again-2)", "README.md:1: the link docs/one.md#again-2 leads nowhere: one.md has no heading"),
        ("[x](#gone)", "README.md:1: the link #gone leads nowhere: README.md has no heading #gone"),
        ("```\n# Fenced\n```\n[x](#fenced)", "README.md:4: the link #fenced leads nowhere: README.md has no heading"),
        ("[x][y]\n\n[y]: gone.md", "README.md:3: the link gone.md leads nowhere: there is no gone.md"),
        ("[x](/docs/one.md)", "README.md:1: the link /docs/one.md starts at the root of a file system"),
        ("text\n```json\n{'a': 1}\n```", "README.md:2: this json does not parse: "),
        ("```toml\na = \n```", "README.md:1: this toml does not parse: "),
        ("```python\n>>> 1 + 1\n3\n```", "README.md:1: this example prints something else"),
        ("```python\n>>> 1 / 0\n```", "README.md:1: this example prints something else"),
        ("cd /home/ann/crm", "README.md:1: names a path or an address of one machine: /home/ann/"),
        ("open `/Users/ann/crm.db`", "README.md:1: names a path or an address of one machine: /Users/ann/"),
        ("pip install --index" + "-url=x crmcore", "README.md:1: names a path or an address of one machine: --index"),
    ],
)
def test_a_mistake_is_named_with_its_line(pages: Path, text: str, mistake: str) -> None:
    write(pages, text)
    found = check(pages)
    assert found[0].startswith(mistake), found


def test_a_page_that_the_index_does_not_lead_to_is_named(pages: Path) -> None:
    (pages / "docs" / "lost.md").write_text("# Lost\n\n[index](README.md)\n")
    assert check(pages) == ["docs/lost.md:1: no page that docs/README.md leads to links here"]


def test_cells_with_sentences_are_marked_so_that_a_phone_sets_them_in_lines() -> None:
    nodes = pytest.importorskip("docutils.nodes")
    configuration = runpy.run_path(str(CHECKOUT / "docs" / "conf.py"))
    sentence = "Somebody else changed the record since it was read."
    cells = [nodes.entry("", nodes.paragraph("", text)) for text in ("conflict", sentence)]
    page = nodes.document(None, None, "", *cells)

    configuration["_mark_sentences"](None, page)

    assert [cell["classes"] for cell in cells] == [[], ["long"]]
    (style,) = configuration["html_css_files"]
    (folder,) = configuration["html_static_path"]
    assert "td.long { min-width" in (CHECKOUT / "docs" / folder / style).read_text(encoding="utf-8")
