"""The reference pages of files name every key that the meta-schemas know, and their examples are accepted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crmcore.config import read_config
from crmcore.importing.mapping_file import read_mapping_file
from crmcore.registry import load
from crmcore.schema.documents import meta_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = {"crm-toml": "configuration.md", "mapping": "mapping-files.md"}


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def examples(name: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)


def keys(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, inner in schema.items():
        if name == "properties":
            yield from inner
        for part in [inner, *inner.values()] if isinstance(inner, dict) else [inner]:
            if isinstance(part, dict):
                yield from keys(part)


@pytest.mark.parametrize("schema", PAGES)
def test_a_page_names_every_key_of_its_file(schema: str) -> None:
    prose = re.sub(r"^```.*?^```$", "", page(PAGES[schema]), flags=re.MULTILINE | re.DOTALL)
    written = re.findall(r"`[^`\n]+`", prose)
    missing = {key for key in keys(meta_schema(schema)) if not any(re.search(rf"\b{key}\b", one) for one in written)}

    assert missing == set()


def test_the_examples_of_a_configuration_are_accepted(tmp_path: Path) -> None:
    config = tmp_path / "crm.toml"
    text = "\n".join(['[plugins]\nenabled = ["abc", "sales"]', *examples("configuration.md")])
    config.write_text(text, encoding="utf-8")

    registry = load(read_config(config))

    assert {"instance.grade", "instance.size", "instance.margin"} < set(registry.scoring_rules)
    assert registry.broken == {}


def test_the_examples_of_mapping_files_have_their_shape(tmp_path: Path) -> None:
    for example in examples("mapping-files.md"):
        file = tmp_path / "mapping.toml"
        file.write_text(example, encoding="utf-8")
        assert read_mapping_file(file).problems == ()


def test_arguments_that_take_any_number_are_explained_by_themselves() -> None:
    assert "\n| `**options` | `mapping`, `on_match`" in page("python.md")
    assert re.findall(r"[.] \*{1,2}\w+: ", page("python.md")) == []  # at the end of what another one is
