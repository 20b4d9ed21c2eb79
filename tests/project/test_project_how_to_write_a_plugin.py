"""The how-to "Write a plugin", followed to the letter: its files are written, its commands run, its tests pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-plugin.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    manifest, extension = blocks("json")
    module, test = blocks("python")
    (plugins,) = blocks("toml")
    package = tmp_path / "my_plugins" / "acme_phones"
    (package / "schemas").mkdir(parents=True)
    (package / "plugin.json").write_text(manifest, encoding="utf-8")
    (package / "schemas" / "customer.extend.json").write_text(extension, encoding="utf-8")
    (package / "__init__.py").write_text(module, encoding="utf-8")
    (tmp_path / "my_plugins" / "test_phones.py").write_text(test, encoding="utf-8")
    (tmp_path / "crm.toml").write_text(f'[database]\nurl = "sqlite:///crm.db"\n{plugins}', encoding="utf-8")
    yield tmp_path
    sys.modules.pop("acme_phones", None)  # the next test has its own, elsewhere


def run(folder, *command):
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)


def test_the_plugin_runs_from_its_folder(folder):
    from crmcore import CRM
    from crmcore.errors import ValidationError
    from crmcore.reporting import run_report

    with CRM.open(folder / "crm.toml") as crm:
        crm.upgrade()
        with crm.session() as session:
            acme = {"name": "Acme", "mobile": "+86 138 0000 0000", "phone_checked_on": "2026-01-10"}
            assert session.create("customer", acme).mobile == "13800000000"
            with pytest.raises(ValidationError, match="has 11 digits, not 3"):
                session.create("customer", {"name": "Cancity", "mobile": "138"})
            session.create("customer", {"name": "Bluth"})
            assert run_report(session, "phones.missing").rows == ((2, "Bluth"),)


def test_its_commands_run_as_they_are_written(folder):
    from crmcore import CRM

    with CRM.open(folder / "crm.toml") as crm:
        crm.upgrade()
        with crm.session() as session:
            session.create("user", {"login": "ada", "roles": ["admin"]})
    (console,) = blocks("console")
    for line in console.splitlines():
        words = re.findall(r'"[^"]*"|\S+', line.removeprefix("$ crmcore "))
        done = run(folder, "crmcore", "--as", "ada", *(word.strip('"') for word in words))
        assert done.returncode == 0, (line, done.stderr)


def test_its_tests_pass(folder):
    done = run(folder / "my_plugins", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
