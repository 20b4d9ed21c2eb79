"""What an import costs, and the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import crmcore

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("sqlalchemy", "alembic", "jsonschema", "jsonschema_rs", "lark", "rich", "scipy", "psycopg")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(crmcore.__path__, "crmcore.")
    if not module.name.endswith("__main__")  # importing it runs the program
)


@pytest.mark.parametrize(
    "module",
    [
        "crmcore",
        "crmcore.cli",
        "crmcore.config",
        "crmcore.errors",
        "crmcore.hookspecs",
        "crmcore.i18n",
        "crmcore.manifest",
        "crmcore.schema.model",
        "crmcore.types",
    ],
)
def test_importing_a_light_module_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.split() == []


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0
