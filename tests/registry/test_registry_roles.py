"""Roles of crm.toml against what was loaded, and `diagnose`, which reports everything at once."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

from crmcore.config import read_config
from crmcore.errors import ConfigError
from crmcore.hookspecs import hookimpl
from crmcore.registry import diagnose, load
from crmcore.types import Permission, Plugin

ABC = Plugin(
    manifest={"name": "abc", "version": "1.0", "summary": "x"},
    module=SimpleNamespace(crm_permissions=hookimpl(lambda: [Permission("abc.run")])),
)
VISIT = {
    "$schema": "urn:crmcore:entity:1",
    "type": "object",
    "x-crm": {"plural": "visits", "display": "reason"},
    "properties": {"reason": {"type": "string", "maxLength": 100}},
}
EXTENSION = {"$schema": "urn:crmcore:extension:1", "properties": {"mood": {"type": "string", "maxLength": 20}}}


@pytest.fixture
def crm_toml(tmp_path):
    def write(text):
        (tmp_path / "crm.toml").write_text(text, encoding="utf-8")
        return tmp_path / "crm.toml"

    return write


def refused(path, *plugins):
    with pytest.raises(ConfigError) as caught:
        load(read_config(path), plugins)
    return caught.value.problems


def test_roles_that_fit_are_taken(crm_toml):
    path = crm_toml(
        """
        [roles.sales]
        grants = ["abc.run"]
        [roles.sales.customer]
        read = "owner = me or name contains 'x'"
        create = true
        hide = ["credit_limit"]
        fixed = ["owner"]
        [roles.sales."*"]
        read = "created_by = me"
        """
    )

    assert load(read_config(path), [ABC]).config.roles["sales"].grants == ("abc.run",)


def test_what_roles_name_and_nobody_knows_is_pointed_at_with_suggestions(crm_toml):
    path = crm_toml(
        """\
        [roles.sales]
        grants = ["abc.rnu"]
        [roles.sales.custmer]
        read = true
        [roles.sales.customer]
        hide = ["credit_limt"]
        fixed = ["ownr"]
        read = "ownr = me"
        """
    )

    problems = refused(path, ABC)

    assert [(p.line, p.pointer) for p in problems] == [
        (2, "roles.sales.grants[0]"),
        (3, "roles.sales.custmer"),
        (6, "roles.sales.customer.hide[0]"),
        (7, "roles.sales.customer.fixed[0]"),
        (8, "roles.sales.customer.read"),
    ]
    assert [p.hint for p in problems[:4]] == [
        "Did you mean `abc.run`?",
        "Did you mean `customer`?",
        "Did you mean `credit_limit`?",
        "Did you mean `owner`?",
    ]
    assert "ownr" in problems[4].message


def test_a_permission_of_a_plugin_that_runs_and_does_not_declare_it_is_refused(crm_toml):
    waiting = refused(crm_toml('[roles.sales]\ngrants = ["customer.run"]\n'), ABC)

    assert [(problem.line, problem.message) for problem in waiting] == [(2, "there is no permission `customer.run`")]


def test_a_condition_for_all_others_must_fit_each_of_them(crm_toml):
    [problem] = refused(crm_toml("[roles.sales.'*']\nread = \"code = 'x'\"\n"))

    assert (problem.line, problem.pointer) == (2, 'roles.sales."*".read')
    assert problem.message.startswith("for ")


def test_a_negation_of_a_field_that_may_be_empty_is_refused_in_a_role(crm_toml):
    [problem] = refused(crm_toml("[roles.sales.customer]\nread = \"not industry = 'food'\"\n"))

    assert problem.pointer == "roles.sales.customer.read"


def test_metrics_have_no_place_in_a_role(crm_toml):
    [problem] = refused(crm_toml("[roles.sales.customer]\nread = 'revenue > 10'\n"))

    assert problem.line == 2


def local_plugin(folder, name, schemas=None, manifest=None, init=""):
    place = folder / "mine" / name
    (place / "schemas").mkdir(parents=True)
    document = {"name": name, "version": "1.0", "summary": "x", **(manifest or {})}
    (place / "plugin.json").write_text(json.dumps(document), encoding="utf-8")
    (place / "__init__.py").write_text(init, encoding="utf-8")
    for file, schema in (schemas or {}).items():
        (place / "schemas" / file).write_text(json.dumps(schema), encoding="utf-8")


def test_what_belongs_to_a_disabled_plugin_is_a_warning_and_not_an_error(crm_toml, tmp_path):
    local_plugin(tmp_path, "calls", {"visit.schema.json": VISIT, "customer.extend.json": EXTENSION})
    path = crm_toml(
        """\
        [plugins]
        plugin_dirs = ["mine"]
        [roles.sales]
        grants = ["calls.run"]
        [roles.sales.visit]
        read = true
        [roles.sales.customer]
        hide = ["mood"]
        """
    )

    warnings = load(read_config(path)).warnings

    assert [(warning.line, warning.hint) for warning in warnings if warning.code == "role"] == [
        (4, "It belongs to plugin calls, which does not run."),
        (5, "It belongs to plugin calls, which does not run."),
        (8, "It belongs to plugin calls, which does not run."),
    ]


def test_a_condition_over_a_field_of_a_disabled_plugin_is_an_error(crm_toml, tmp_path):
    local_plugin(tmp_path, "calls", {"customer.extend.json": EXTENSION})
    path = crm_toml("[plugins]\nplugin_dirs = ['mine']\n[roles.sales.customer]\nread = \"mood = 'x'\"\n")

    [problem] = refused(path)

    assert problem.pointer == "roles.sales.customer.read"


def test_diagnosis_of_a_sound_instance_finds_nothing(crm_toml):
    diagnosis = diagnose(crm_toml(""))

    assert diagnosis.problems == ()


def test_diagnosis_reports_every_stage_at_once(crm_toml, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    settings = {"config": {"type": "object", "properties": {"days": {"type": "integer"}}}}
    local_plugin(tmp_path, "settings", manifest=settings)
    local_plugin(tmp_path, "manifest", manifest={"sumary": "x"})
    local_plugin(tmp_path, "imports", init="raise RuntimeError('no luck')")
    local_plugin(tmp_path, "guard", manifest={"listens": {"crm_access_rules": ["*"]}})
    local_plugin(tmp_path, "one", manifest={"after": ["two"]})
    local_plugin(tmp_path, "two", manifest={"after": ["one"]})
    path = crm_toml(
        """\
        [instance]
        timezone = "Asia/Shangai"
        [plugins]
        plugin_dirs = ["mine"]
        enabled = ["settings", "manifest", "imports", "guard", "one", "two", "missing"]
        [plugins.settings]
        days = "many"
        [roles.sales.custmer]
        read = true
        """
    )

    problems = diagnose(path).problems

    assert [(problem.code, problem.line) for problem in problems if problem.file == path] == [
        ("timezone", 2),
        ("unknown_plugin", 5),
        ("type", 7),
        ("role", 8),
    ]
    found = {problem.code: problem for problem in problems}
    assert "unknown key `sumary`" in found["unknown_key"].message
    assert "one -> two -> one" in found["cycle"].message
    assert "`crm_access_rules` is listed" in found["listens"].message
    assert "no luck" in found["plugin"].message


def test_diagnosis_goes_on_beside_schemas_that_cannot_be_composed(crm_toml, tmp_path):
    local_plugin(tmp_path, "calls", {"visit.schema.json": {}})
    local_plugin(tmp_path, "guard", manifest={"listens": {"crm_access_rules": ["*"]}})
    path = crm_toml("[plugins]\nplugin_dirs = ['mine']\nenabled = ['calls', 'guard']\n")

    problems = diagnose(path).problems

    assert any(str(problem.file).endswith("visit.schema.json") for problem in problems)
    assert problems[-1].code == "listens"


def test_diagnosis_does_not_repeat_a_mistake_for_those_who_require_the_plugin(crm_toml, tmp_path):
    settings = {"config": {"type": "object", "properties": {"days": {"type": "integer"}}}}
    local_plugin(tmp_path, "base", manifest=settings)
    local_plugin(tmp_path, "above", manifest={"requires": ["base"]}, init="raise RuntimeError('imported')")
    path = crm_toml("[plugins]\nplugin_dirs = ['mine']\nenabled = ['base', 'above']\n[plugins.base]\ndays = 'x'\n")

    assert [problem.pointer for problem in diagnose(path).problems] == ["plugins.base.days"]


def test_diagnosis_of_a_file_that_cannot_be_read_says_so(tmp_path):
    [problem] = diagnose(tmp_path / "crm.toml").problems

    assert problem.code == "unreadable"


def test_diagnosis_of_a_secret_that_is_not_set_goes_on(crm_toml, monkeypatch):
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)

    problems = diagnose(crm_toml('[database]\nurl = "env:NO_SUCH_SECRET"\n[plugins]\nenabled = ["x"]\n')).problems

    assert [problem.code for problem in problems] == ["unset", "unknown_plugin"]
