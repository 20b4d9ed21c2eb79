"""The how-tos about plugins, followed in one instance; what they show of generated plugins is what is generated."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_sessions import follow, parts

from crmcore.kit.kinds import KINDS
from crmcore.kit.naming import Names
from crmcore.kit.writing import write_plugin
from crmcore.types import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
FIRST = "write-a-plugin"
SHOWN = {
    "write-a-scoring-rule": ("acme_loyalty", "scoring"),
    "write-a-pipeline": ("acme_onboarding", "pipeline"),
    "write-an-importer": ("acme_cards", "importer"),
    "write-a-report": ("acme_areas", "report"),
    "write-an-entity": ("acme_contracts", "entity"),
}
"""Page -> the plugin that it is about, and its kind."""


def page(name: str) -> str:
    return (HOW_TO / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def signs(code: str) -> str:
    """Return code without blanks and line ends: a page shows it with less indentation."""
    return "".join(code.split())


def within(part: object, whole: object) -> bool:
    """Return whether a JSON document says all that a part of it says."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and within(value, whole[key]) for key, value in part.items())
    return part == whole


@pytest.fixture
def _forget_imports() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("acme_")]:
        del sys.modules[name]


@pytest.mark.usefixtures("_forget_imports")
def test_the_pages_about_plugins_print_what_they_say(terminal: Callable[[str, Path], str], tmp_path: Path) -> None:
    for name in (FIRST, *SHOWN):
        assert any(parts(page(name)))
        start = tmp_path if name == FIRST else tmp_path / "shop"
        for typed, found in follow(page(name), start, terminal):
            assert typed.prints(found), f"{name}: $ {typed.command}\n{found}"


@pytest.mark.parametrize("name", SHOWN)
def test_the_code_that_a_page_shows_is_what_is_generated(tmp_path: Path, name: str) -> None:
    package, kind = SHOWN[name]
    folder = write_plugin(Names(package), KINDS[kind], tmp_path)
    code = "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in folder.rglob("*.json")]

    # Blocks with prompts are run where links are checked.
    shown = [block for block in blocks(page(name), "python") if not block.startswith(">>> ")]
    parts_of_documents = [json.loads(block) for block in blocks(page(name), "json")]

    assert len(shown) >= 3
    assert [block for block in shown if signs(block) not in signs(code)] == []
    assert [part for part in parts_of_documents if not any(within(part, whole) for whole in documents)] == []


def test_the_manifest_that_the_first_page_shows_is_what_is_generated(tmp_path: Path) -> None:
    folder = write_plugin(Names("acme_loyalty"), KINDS["scoring"], tmp_path)

    assert (folder / "acme_loyalty" / "plugin.json").read_text(encoding="utf-8") in page(FIRST)


def test_what_the_pages_call_on_tx_is_what_every_hook_is_given() -> None:
    called = {name for shown in (FIRST, *SHOWN) for name in re.findall(r"\btx\.(\w+)", page(shown))}

    assert len(called) > 10
    assert sorted(name for name in called if not hasattr(Transaction, name)) == []


def test_every_kind_has_its_page() -> None:
    assert {kind for _package, kind in SHOWN.values()} == {*KINDS}
    assert [name for name in SHOWN if f"({name}.md)" not in page(FIRST)] == []
