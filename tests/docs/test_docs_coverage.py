"""Everything that people can name has its place in the reference: a test fails where something is undocumented.

The tests ask the code what there is and look for it where a reader would; they do not know how the pages are made.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from crmcore import Config, errors, hookspecs, load
from crmcore.cli import failures
from crmcore.cli.root import command_line
from crmcore.conditions import limits, operands, parser
from crmcore.schema.documents import meta_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHECKOUT = Path(__file__).parents[2]
REFERENCE = CHECKOUT / "docs" / "reference"
PLUGINS = sorted(folder.name.removeprefix("crmcore_") for folder in (CHECKOUT / "plugins").glob("crmcore_*"))


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands under a heading up to the next of its level; nothing where the heading is missing."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def spans(text: str) -> list[str]:
    """Return what stands in the type of code."""
    return re.findall(r"`([^`\n]+)`", text)


def undocumented(names: Iterable[str], text: str) -> list[str]:
    """Return the names that are no word of any code span of a text."""
    written = "\n".join(spans(text))
    return [name for name in sorted(names) if not re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", written)]


def without_place(names: Iterable[str], text: str) -> list[str]:
    """Return the names that are no code span of their own in a text."""
    return sorted(set(names) - set(spans(text)))


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    ctx = click.Context(group)
    for name in getattr(group, "places", None) or group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        elif command is not None:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(command_line()))


def test_the_parts_made_from_the_code_are_current() -> None:
    asked = [sys.executable, str(CHECKOUT / ".ci" / "reference"), "--check"]
    ran = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("hook", sorted(hookspecs.HOOKS))
def test_a_hook_is_documented(hook: str) -> None:
    told = section(page("hooks"), f"### {hook}")
    arguments = getattr(hookspecs, hook).__code__.co_varnames[: getattr(hookspecs, hook).__code__.co_argcount]

    assert f"def {hook}(" in told
    assert [name for name in arguments if f"| `{name}` |" not in told] == []
    assert ">>> @hookimpl" in told


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_and_its_options_are_documented(name: str) -> None:
    told = section(page("command-line"), f"### crmcore {name}")
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option)]

    assert told
    assert undocumented([name for option in options for name in option.opts if name.startswith("--")], told) == []


def test_the_options_before_a_command_are_documented() -> None:
    told = section(page("command-line"), "## Options before the command")
    options = [name for option in command_line().params for name in option.opts]
    variables = [option.envvar for option in command_line().params if option.envvar]

    assert undocumented(options, told) == []
    assert [name for name in variables if str(name) not in told] == []


def error_classes() -> list[type[errors.CRMError]]:
    return [one for name in errors.__all__ if issubclass(one := getattr(errors, name), errors.CRMError)]


def test_every_exit_code_is_documented() -> None:
    told = section(page("command-line"), "## Exit codes")
    others = [failures.PROBLEMS, failures.UNEXPECTED, failures.INTERRUPTED, failures.PIPE_CLOSED]

    assert [
        code for code in {*others, *(one.exit_code for one in error_classes())} if f"\n| {code} |" not in told
    ] == []


@pytest.mark.parametrize("error", error_classes())
def test_an_error_is_documented_with_what_to_do(error: type[errors.CRMError]) -> None:
    before, _, after = page("errors").partition("## What to do")

    assert f"| `{error.code}` | `{error.__name__}` | {error.exit_code} |" in before
    assert f"\n| `{error.code}` |" in section("## What to do" + after, "## What to do")


def codes_of_problems() -> set[str]:
    """Return the codes that the sources write out, where a problem or a fault is made."""
    found = set()
    for file in [*(CHECKOUT / "crmcore").rglob("*.py"), *(CHECKOUT / "plugins").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                written = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                if isinstance(node.func, ast.Name) and node.func.id == "Fault":
                    written += node.args[3:4]
                constants = [one for value in written for one in ast.walk(value) if isinstance(one, ast.Constant)]
                found |= {one.value for one in constants if isinstance(one.value, str) and one.value.isidentifier()}
    return found


def test_the_codes_of_problems_are_documented() -> None:
    codes = codes_of_problems()

    assert {"required", "transition", "system_column"} < codes
    assert undocumented(codes, section(page("errors"), "## Problems")) == []


def test_words_and_functions_of_conditions_are_documented() -> None:
    told = page("conditions")
    grammar = (Path(parser.__file__).parent / "grammar.lark").read_text(encoding="utf-8")
    keywords = re.findall(r"^[A-Z]+\.\d: /([a-z]+)\\b/i$", grammar, re.MULTILINE)
    signs = [
        sign
        for line in re.findall(r'^[A-Z]+: (".*")$', grammar, re.MULTILINE)
        for sign in json.loads(f"[{line.replace('|', ',')}]")
    ]
    missing = [unit for unit in (*operands._DAYS, *operands._MONTHS) if not re.search(rf"\d {unit}", told)]

    assert {"and", "any", "empty"} < set(keywords)
    assert {"!=", "*"} < set(signs)
    assert undocumented([*keywords, *operands._VIEWERS], told) == []
    assert missing == []
    assert undocumented([f"{name}()" for name in operands._CLOCKS], told) == []
    assert [sign for sign in signs if sign not in "".join(spans(told))] == []


def test_the_limits_of_conditions_are_documented() -> None:
    told = section(page("conditions"), "## Limits")
    values = [getattr(limits, name) for name in limits.__all__ if name != "NUMBER_BITS"]

    assert sorted(re.findall(r"\| (\d+) \|$", told, re.MULTILINE), key=int) == sorted(map(str, values), key=int)


@pytest.mark.parametrize("entity", sorted(load(Config()).entities))
def test_an_entity_and_its_fields_are_documented(entity: str) -> None:
    told = section(page("entities"), f"## {entity}")
    rows = {row[0]: row for row in re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", told, re.MULTILINE)}

    for field in load(Config()).entities[entity].fields.values():
        assert rows[field.name][1:] == (field.titles["en"], field.titles["zh-CN"])


@pytest.mark.parametrize(
    ("schema", "name"), [("entity", "schemas"), ("extension", "schemas"), ("plugin", "plugin-manifest")]
)
def test_every_key_of_a_file_is_documented(schema: str, name: str) -> None:
    def keys(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            yield from part.get("properties", {})
            below = [*part.get("properties", {}).values(), *part.get("$defs", {}).values(), part.get("items")]
            for inner in [*below, part.get("additionalProperties")]:
                yield from keys(inner)

    assert without_place(keys(meta_schema(schema)), page(name)) == []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_a_plugin_declares_is_documented(plugin: str) -> None:
    told = section(page("plugins"), f"## [{plugin}](../../plugins/crmcore_{plugin}/README.md)")
    manifest = json.loads((CHECKOUT / "plugins" / f"crmcore_{plugin}" / "plugin.json").read_text(encoding="utf-8"))
    registry = load(Config(enabled=[plugin]))
    names = [
        *manifest.get("config", {}).get("properties", {}),
        *manifest.get("listens", {}),
        *registry.metrics,
        *registry.scoring_rules,
        *registry.pipelines,
        *registry.report_types,
        *(one for report in registry.report_types.values() for one in report.parameters.get("properties", {})),
        *registry.importers,
        *(one for importer in registry.importers.values() for one in importer.options.get("properties", {})),
        *(name for name in registry.permissions if name.startswith(f"{plugin}.")),
    ]

    assert names
    assert without_place(names, told) == []


@pytest.mark.parametrize("module", ["crmcore", "crmcore.types", "crmcore.testing"])
def test_public_names_are_documented(module: str) -> None:
    told = section(page("python"), f"## {module}")
    public = [name for name in import_module(module).__all__ if not name.startswith("__")]

    assert [name for name in public if not section(told, f"### {name}")] == []
