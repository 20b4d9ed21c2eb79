"""The reference for applications says what the code does: names of loggers, statuses of errors."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from crmcore import CRM, errors, hookimpl
from crmcore.errors import CRMError
from crmcore.importing import import_file
from crmcore.types import Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "reference" / "embedding.md").read_text(encoding="utf-8")
CORE = CHECKOUT / "crmcore"


def rows(*columns: str) -> set[tuple[str, ...]]:
    """Return the rows of the page's table with these columns, as far as the columns go."""
    _before, _header, table = PAGE.partition("| " + " | ".join(columns))
    lines = table.partition("\n\n")[0].splitlines()[2:]
    return {tuple(cell.strip() for cell in line.strip("|").split("|"))[: len(columns)] for line in lines}


def calls(*functions: str) -> Iterator[tuple[Path, ast.Call]]:
    """Yield the calls of methods with one of these names, and the module of each."""
    for path in CORE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if any(function in text for function in functions):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in functions:
                    yield path.relative_to(CORE), node


def test_the_documented_loggers_are_those_that_are_used() -> None:
    used = {ast.literal_eval(call.args[0]) for path, call in calls("getLogger") if path.parts[0] != "cli"}

    assert {logger.strip("`") for logger, _level in rows("logger", "level")} == used


def test_only_the_command_line_configures_logging() -> None:
    configuring = ("addHandler", "basicConfig", "captureWarnings", "dictConfig", "fileConfig", "setLevel")

    assert {path.parts[0] for path, _call in calls(*configuring)} == {"cli"}


def test_every_level_that_is_documented_is_logged(make_crm, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="crmcore")
    crm = make_crm(plugins=[failing_plugin()], enabled=["tabular"])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    (tmp_path / "customers.csv").write_text("name\nCancity\n")
    import_file(crm, tmp_path / "customers.csv", "customer")
    engine, crm.engine = crm.engine, crm.tenant(f"sqlite:///{tmp_path / 'nowhere' / 'crm.db'}").engine
    with engine.begin() as connection, crm.session(connection=connection) as session:
        session.create("customer", {"name": "Zumgoity"})
        crm._deliver_after_commit(session)
    crm.engine = engine

    logged = {(f"`{record.name}`", record.levelname.lower()) for record in caplog.records}
    # Which plugin is left out and how is tested where plugins are started.
    elsewhere = {("`crmcore.plugins`", "warning"), ("`crmcore.importing`", "warning")}  # their own tests see these
    assert logged == rows("logger", "level") - elsewhere
    said = "\n".join(record.getMessage() for record in caplog.records)
    for words in ("loaded: core ", "upgraded core, ", "plugin mail 1 failed in crm_committed", "0 events delivered, 1"):
        assert words in said
    assert re.search(
        r"import 1 of customers\.csv into customer begins at row 0\n[\s\S]*import 1 has ended: .*'created': 1", said
    )


def failing_plugin() -> Plugin:
    def crm_committed(crm, events):
        raise RuntimeError("server down")

    manifest = {"name": "mail", "version": "1", "summary": "x", "listens": {"crm_committed": ["customer"]}}
    return Plugin(manifest=manifest, module=SimpleNamespace(crm_committed=hookimpl(crm_committed)))


def test_every_error_has_a_status_and_the_page_says_which() -> None:
    classes = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, CRMError)]
    documented = {
        (int(status), code) for status, codes in rows("status", "codes") for code in re.findall(r"`(\w+)`", codes)
    }

    assert {(found.http_status, found.code) for found in classes} == documented


def test_a_class_derived_from_an_error_has_its_status() -> None:
    class TooExpensive(errors.ValidationError):
        code = "too_expensive"

    assert TooExpensive([]).http_status == 422


def test_the_program_of_the_page_imports_scores_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("crm.toml").write_text('[plugins]\nenabled = ["tabular", "abc"]\n', encoding="utf-8")
    Path("customers.csv").write_text("name,status\n佛山企业电子,current\nAcme,asleep\n", encoding="utf-8")
    with CRM.open() as crm:
        crm.upgrade()
        with crm.session() as session:
            session.create("user", {"login": "li.wei", "name": "李伟", "roles": ["admin"]})

    exec(compile(program, "embedding.md", "exec"), {})

    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"1 rows wait to be mended in {tmp_path / 'customers.rejects.csv'}"
    assert [line for line in said[1:] if "'C'" in line and "1" in line] != []
