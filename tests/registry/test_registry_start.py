"""Start-up: what runs, in which order, and what each failure does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmcore.config import Config, read_config
from crmcore.errors import AccessDenied, ConfigError, ManifestError, PluginError, SchemaError, StartRefused
from crmcore.hookspecs import hookimpl
from crmcore.registry import diagnose, load
from crmcore.registry.declarations import CORE_PERMISSIONS
from crmcore.types import AccessRule, Column, Importer, Permission, Plugin, Problem, Report, ReportType
from crmcore.version import __version__

ROOT = Path(__file__).parents[2]
VISIT = {
    "$schema": "urn:crmcore:entity:1",
    "type": "object",
    "x-crm": {"plural": "visits", "display": "reason"},
    "properties": {"reason": {"type": "string", "maxLength": 100}},
}
LEDGER = {**VISIT, "x-crm": {"plural": "ledgers", "display": "reason", "internal": True}}


def plugin(name, schemas=None, manifest=None, **hooks):
    """A plugin as an object; hooks are plain functions."""
    document = {"name": name, "version": "1.0", "summary": "x", **(manifest or {})}
    module = SimpleNamespace(**{hook: hookimpl(function) for hook, function in hooks.items()})
    return Plugin(manifest=document, module=module, schemas=schemas or {})


def instance(folder, toml="", **packages):
    """A folder with crm.toml and plugins that are not installed: name -> (manifest, __init__.py)."""
    for name, (manifest, init) in packages.items():
        place = folder / "mine" / name
        place.mkdir(parents=True)
        document = {"name": name, "version": "1.0", "summary": "x", **manifest}
        (place / "plugin.json").write_text(json.dumps(document), encoding="utf-8")
        (place / "__init__.py").write_text("from crmcore.hookspecs import hookimpl\n" + init, encoding="utf-8")
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "crm.toml").write_text(toml, encoding="utf-8")
    return folder / "crm.toml"


def enabled(*names):
    return f"[plugins]\nplugin_dirs = ['mine']\nenabled = {json.dumps(names)}\n"


def test_without_plugins_the_core_entities_are_there():
    registry = load(Config())

    assert {"customer", "contact", "order", "user", "team"} <= set(registry.entities)
    assert registry.plugins == {}
    assert registry.listeners("crm_validate", "customer") == ()
    assert registry.call("crm_validate", "customer", tx=None, batch=None) == []


def test_plugins_are_called_in_the_order_of_their_dependencies():
    called = []
    plugins = [
        plugin(name, manifest={"after": after}, crm_startup=lambda crm, name=name: called.append(name))
        for name, after in [("a", ["c"]), ("b", []), ("c", [])]
    ]

    registry = load(Config(), plugins)
    registry.call("crm_startup", crm=None)

    assert list(registry.plugins) == ["b", "c", "a"]
    assert called == ["b", "c", "a"]


def test_settings_reach_the_hooks_with_defaults_filled_in_and_cannot_be_changed():
    seen = []
    config = {"type": "object", "properties": {"days": {"type": "integer", "default": 90}, "names": {"type": "array"}}}

    def crm_metrics(settings):
        seen.append(settings)

    listening = plugin("hello", manifest={"config": config}, crm_metrics=crm_metrics)

    registry = load(Config(plugin_settings={"hello": {"names": ["x"]}}), [listening])

    assert seen == [{"days": 90, "names": ("x",)}]
    assert registry.plugins["hello"].settings == seen[0]
    with pytest.raises(TypeError):
        seen[0]["days"] = 1


def test_schemas_of_plugins_and_of_the_instance_are_composed(tmp_path):
    path = instance(tmp_path)
    (tmp_path / "schemas").mkdir()
    extension = {"$schema": "urn:crmcore:extension:1", "properties": {"mood": {"type": "string", "maxLength": 20}}}
    (tmp_path / "schemas" / "visit.extend.json").write_text(json.dumps(extension), encoding="utf-8")

    registry = load(read_config(path), [plugin("calls", {"visit.schema.json": VISIT})])

    assert set(registry.entities["visit"].fields) >= {"reason", "mood"}
    assert registry.documents["calls"] == {"visit.schema.json": VISIT}
    assert registry.documents["instance"] == {"visit.extend.json": extension}
    assert "customer.schema.json" in registry.documents["core"]


def test_a_wrong_schema_of_a_plugin_stops_the_start_before_anything_is_imported(tmp_path):
    path = instance(tmp_path, enabled("calls"), calls=({}, "raise RuntimeError('imported')"))
    (tmp_path / "mine" / "calls" / "schemas").mkdir()
    (tmp_path / "mine" / "calls" / "schemas" / "visit.schema.json").write_text("{}", encoding="utf-8")

    with pytest.raises(SchemaError, match=r"visit\.schema\.json"):
        load(read_config(path))


def test_listeners_are_those_of_the_entity_and_of_all_but_private_tables():
    def validates(listens):
        return {"manifest": {"listens": {"crm_validate": listens}}, "crm_validate": lambda tx, batch: []}

    registry = load(
        Config(),
        [
            plugin("books", {"ledger.schema.json": LEDGER}, **validates(["ledger"])),
            plugin("every", **validates(["*"])),
            plugin("orders", **validates(["order", "*"])),
        ],
    )

    assert registry.listeners("crm_validate", "order") == ("every", "orders")
    assert registry.listeners("crm_validate", "ledger") == ("books",)
    assert registry.listeners("crm_validate", "nothing") == ()
    assert registry.listeners("crm_validate") == ("books", "every", "orders")
    assert registry.listeners("crm_before_save", "order") == ()


def test_problems_of_a_generator_are_collected_and_an_exception_in_it_is_attributed():
    def crm_validate(tx, batch):
        yield Problem(message="no")
        if batch:
            raise ZeroDivisionError

    asked = plugin("strict", manifest={"listens": {"crm_validate": ["order"]}}, crm_validate=crm_validate)
    registry = load(Config(), [asked])

    assert registry.call("crm_validate", "order", tx=None, batch=[]) == [("strict", (Problem(message="no"),))]
    with pytest.raises(PluginError, match=r"plugin strict 1\.0 failed in crm_validate"):
        registry.call("crm_validate", "order", tx=None, batch=[1])


def test_access_rules_are_asked_of_those_who_listen_and_told_the_entity():
    def crm_access_rules(actor, action, entity):
        return [AccessRule(where=f"{entity} {action}")]

    guard = plugin("guard", manifest={"listens": {"crm_access_rules": ["order"]}}, crm_access_rules=crm_access_rules)
    registry = load(Config(), [guard])

    asked = registry.call("crm_access_rules", actor=None, action="read", entity="order")
    assert asked == [("guard", (AccessRule(where="order read"),))]
    assert registry.call("crm_access_rules", actor=None, action="read", entity="customer") == []


def test_a_failing_hook_stops_those_behind_it_and_an_error_on_purpose_passes():
    called = []

    def refuse(tx, from_version):
        raise AccessDenied("not you")

    plugins = [
        plugin("a", crm_migrate=refuse),
        plugin("b", crm_migrate=lambda tx, from_version: called.append("b")),
    ]
    registry = load(Config(), plugins)

    with pytest.raises(AccessDenied, match="not you"):
        registry.call("crm_migrate", tx=None, from_version="1")
    assert called == []


def test_isolated_hooks_reach_everybody_and_failures_are_returned_and_logged(caplog):
    called = []

    def fail(crm):
        raise AccessDenied("on purpose") if crm else RuntimeError("no luck")

    plugins = [plugin("a", crm_shutdown=fail), plugin("b", crm_shutdown=lambda crm: called.append(crm))]  # noqa: PLW0108  # pluggy reads argument names
    registry = load(Config(), plugins)

    [failure] = registry.call_isolated("crm_shutdown", crm=None)
    [on_purpose] = registry.call_isolated("crm_shutdown", crm="x")

    assert (failure.plugin, failure.hook, str(failure.cause)) == ("a", "crm_shutdown", "no luck")
    assert on_purpose.cause.message == "on purpose"
    assert called == [None, "x"]
    assert [record.name for record in caplog.records] == ["crmcore.plugins", "crmcore.plugins"]
    assert "plugin a 1.0 failed in crm_shutdown" in caplog.text


def test_an_isolated_hook_can_be_called_on_one_plugin():
    called = []
    names = ("a", "b")
    registry = load(Config(), [plugin(n, crm_shutdown=lambda crm, n=n: called.append(n)) for n in names])

    assert registry.call_isolated("crm_shutdown", "b", crm=None) == ()
    assert called == ["b"]


def test_a_hook_can_be_asked_of_one_plugin():
    registry = load(Config(), [plugin("a", crm_migrate=lambda tx, from_version: 1 / 0), plugin("b")])

    assert registry.call_plugin("crm_migrate", "b", tx=None, from_version="0.1") is None
    with pytest.raises(PluginError, match="plugin a"):
        registry.call_plugin("crm_migrate", "a", tx=None, from_version="0.1")


def test_every_origin_has_its_version_and_its_documents(tmp_path):
    path = instance(tmp_path)
    (tmp_path / "schemas").mkdir()

    registry = load(read_config(path), [plugin("calls", {"visit.schema.json": VISIT}), plugin("bare")])

    assert registry.versions == {"core": __version__, "bare": "1.0", "calls": "1.0", "instance": ""}
    assert registry.documents.keys() == registry.versions.keys()
    assert registry.documents["bare"] == {}


def test_what_a_declaration_calls_is_attributed_to_its_plugin():
    def compute(tx, parameters):
        raise ZeroDivisionError

    def read(path, options):
        raise ValueError(path)

    declared = plugin(
        "sums",
        crm_report_types=lambda settings: [ReportType(name="sums.all", summary="x", compute=compute)],
        crm_importers=lambda: [Importer(name="csv", suffixes=[".csv"], read=read)],
    )
    registry = load(Config(), [declared])

    with pytest.raises(PluginError, match=r"plugin sums 1\.0 failed in sums\.all: ZeroDivisionError"):
        registry.attributed("sums.all", registry.report_types["sums.all"].compute, None, {})
    with pytest.raises(PluginError, match=r"plugin sums 1\.0 failed in csv: ValueError: x"):
        registry.attributed("csv", registry.importers["csv"].read, "x", {})


# What goes wrong before anything is imported.


def test_an_unknown_plugin_in_enabled_is_pointed_at_with_a_suggestion(tmp_path):
    path = instance(tmp_path, enabled("chrun"), churn=({}, ""))

    with pytest.raises(ConfigError) as caught:
        load(read_config(path))

    [problem] = caught.value.problems
    assert (problem.line, problem.pointer) == (3, "plugins.enabled[0]")
    assert problem.message == "there is no plugin `chrun`"
    assert problem.hint == "Did you mean `churn`?"


def test_settings_of_an_unknown_plugin_are_pointed_at_and_those_of_a_disabled_one_are_kept(tmp_path):
    path = instance(tmp_path, enabled() + "[plugins.churn]\nx = 1\n[plugins.abd]\ny = 2\n", churn=({}, ""))

    with pytest.raises(ConfigError) as caught:
        load(read_config(path))

    assert [(problem.line, problem.pointer) for problem in caught.value.problems] == [(6, "plugins.abd")]


def test_unknown_mistyped_and_missing_settings_are_pointed_at_in_crm_toml(tmp_path):
    config = {
        "type": "object",
        "required": ["server"],
        "properties": {"days": {"type": "integer", "minimum": 1}, "server": {"type": "string"}},
    }
    toml = enabled("mail") + "[plugins.mail]\ndasy = 3\ndays = 'many'\n"
    path = instance(tmp_path, toml, mail=({"config": config}, ""))

    with pytest.raises(ConfigError) as caught:
        load(read_config(path))

    found = {(problem.line, problem.pointer, problem.message, problem.hint) for problem in caught.value.problems}
    assert found == {
        (4, "plugins.mail", "`server` is missing", None),
        (5, "plugins.mail.dasy", "unknown key `dasy`", "Did you mean `days`?"),
        (6, "plugins.mail.days", 'expected a whole number, found "many"', None),
    }


def test_a_wrong_secret_is_shown_by_its_name(tmp_path):
    config = {"type": "object", "properties": {"password": {"type": "string", "minLength": 20}}}
    toml = enabled("mail") + "[plugins.mail]\npassword = 'env:MAIL'\n"
    path = instance(tmp_path, toml, mail=({"config": config}, ""))

    with pytest.raises(ConfigError) as caught:
        load(read_config(path, {"MAIL": "hunter2"}))

    assert "hunter2" not in str(caught.value)
    assert 'found "env:MAIL"' in str(caught.value)


def test_two_plugins_of_one_name_are_both_named(tmp_path):
    path = instance(tmp_path, enabled("hello", "other"), hello=({}, ""), other=({"name": "hello"}, ""))

    with pytest.raises(ConfigError, match="no plugin `other`"):
        load(read_config(path))
    (tmp_path / "crm.toml").write_text(enabled("hello"), encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        load(read_config(path))

    assert caught.value.problems[0].message.startswith("more than one plugin is called `hello`")
    assert str(tmp_path / "mine" / "hello") in str(caught.value)
    assert str(tmp_path / "mine" / "other") in str(caught.value)


def test_two_objects_of_one_name_are_a_clash_too():
    with pytest.raises(ManifestError, match="more than one plugin is called `hello`"):
        load(Config(), [plugin("hello"), plugin("hello")])


def test_an_object_stands_in_for_a_plugin_that_is_not_enabled(tmp_path):
    path = instance(tmp_path, enabled(), hello=({}, "raise RuntimeError"))

    assert list(load(read_config(path), [plugin("hello")]).plugins) == ["hello"]


def test_a_cycle_and_a_wrong_core_and_a_bad_manifest_are_reported_together(tmp_path):
    path = instance(
        tmp_path,
        enabled("a", "b", "old", "bad"),
        a=({"requires": ["b"]}, ""),
        b=({"requires": ["a"]}, ""),
        old=({"requires_core": ">=99"}, ""),
        bad=({"summary": ""}, ""),
    )

    with pytest.raises(ManifestError) as caught:
        load(read_config(path))

    assert [problem.code for problem in caught.value.problems] == ["minLength", "requires_core", "cycle"]
    assert "a -> b -> a" in str(caught.value)


def test_a_manifest_that_is_not_json_stops_the_start(tmp_path):
    path = instance(tmp_path, enabled("hello"), hello=({}, ""))
    (tmp_path / "mine" / "hello" / "plugin.json").write_text('{"name": "hello",}', encoding="utf-8")

    with pytest.raises(ManifestError, match="not a JSON"):
        load(read_config(path))


def test_an_entity_in_listens_that_does_not_exist_stops_the_start():
    listening = plugin("hello", manifest={"listens": {"crm_validate": ["custmer"]}}, crm_validate=lambda tx, batch: [])

    with pytest.raises(SchemaError) as caught:
        load(Config(), [listening])

    assert caught.value.problems[0].hint == "Did you mean `customer`?"


def test_an_entity_of_an_optional_plugin_that_is_away_is_a_warning():
    listening = plugin(
        "hello",
        manifest={"after": ["calls"], "listens": {"crm_validate": ["visit"]}},
        crm_validate=lambda tx, batch: [],
    )

    [warning] = load(Config(), [listening]).warnings

    assert "which is no entity" in warning.message


# What goes wrong when plugins run.

REPORTS = {"listens": {"crm_committed": ["*"]}}
GUARDS = {"listens": {"crm_access_rules": ["*"]}}


@pytest.mark.parametrize(
    "init", ["raise RuntimeError('no luck')", "raise SystemExit('no luck')", "import no_such_thing"]
)
def test_a_plugin_with_access_rules_that_cannot_be_imported_stops_the_start(tmp_path, init):
    path = instance(tmp_path, enabled("guard"), guard=(GUARDS, init))

    with pytest.raises(PluginError) as caught:
        load(read_config(path))

    assert (caught.value.plugin, caught.value.version, caught.value.hook) == ("guard", "1.0", "import")


@pytest.mark.parametrize(
    "init", ["raise RuntimeError('no luck')", "raise SystemExit('no luck')", "import no_such_thing"]
)
def test_a_plugin_with_only_reports_that_cannot_be_imported_is_named_and_the_rest_runs(tmp_path, caplog, init):
    path = instance(tmp_path, enabled("fine", "reports"), reports=(REPORTS, init), fine=({}, ""))

    registry = load(read_config(path))

    assert list(registry.plugins) == ["fine"]
    [problem] = registry.broken["reports"]
    assert problem.plugin == "reports"
    assert "failed in import" in problem.message
    assert (str(problem.file), problem.line) == (str(tmp_path / "mine" / "reports" / "__init__.py"), 2)
    assert "plugin reports does not run" in caplog.text


def test_a_package_that_is_needed_and_missing_is_named_with_its_extra(tmp_path):
    needs = {"needs": {"no_such_package_here": "crmcore[charts]"}}
    path = instance(tmp_path, enabled("charts"), charts=(needs, "raise RuntimeError('imported')"))

    [problem] = load(read_config(path)).broken["charts"]

    assert problem.hint == 'pip install "crmcore[charts]"'
    assert "`no_such_package_here`" in problem.message


def test_a_package_that_a_guard_needs_and_misses_stops_the_start(tmp_path):
    needs = {**GUARDS, "needs": {"no_such_package_here": "crmcore[charts]"}}
    path = instance(tmp_path, enabled("guard"), guard=(needs, ""))

    with pytest.raises(StartRefused, match="no_such_package_here"):
        load(read_config(path))


def test_a_plugin_that_requires_a_broken_one_is_broken_too(tmp_path):
    path = instance(
        tmp_path,
        enabled("base", "above", "top"),
        base=({}, "raise RuntimeError"),
        above=({"requires": ["base"]}, ""),
        top=({"requires": ["above"]}, ""),
    )

    registry = load(read_config(path))

    assert set(registry.broken) == {"base", "above", "top"}
    assert registry.broken["top"][0].message == "plugin top requires above, which does not run"


def test_an_essential_plugin_that_requires_a_broken_one_stops_the_start(tmp_path):
    path = instance(
        tmp_path,
        enabled("base", "guard"),
        base=({}, "raise RuntimeError"),
        guard=({**GUARDS, "requires": ["base"]}, "@hookimpl\ndef crm_access_rules(actor, action, entity): ..."),
    )

    with pytest.raises(StartRefused, match="plugin guard requires base, which does not run"):
        load(read_config(path))


def test_a_declaration_hook_that_fails_breaks_its_plugin_and_those_that_require_it():
    def fail(settings):
        raise RuntimeError("no luck")

    def permit():
        return [Permission("base.run")]

    registry = load(
        Config(),
        [
            plugin("base", crm_report_types=fail, crm_permissions=permit),
            plugin("top", manifest={"requires": ["base"]}),
            plugin("fine"),
        ],
    )

    assert list(registry.plugins) == ["fine"]
    assert "failed in crm_report_types: RuntimeError: no luck" in registry.broken["base"][0].message
    assert set(registry.broken) == {"base", "top"}
    assert registry.permissions == CORE_PERMISSIONS


def test_an_error_that_a_declaration_hook_raises_on_purpose_is_attributed_as_well():
    def refuse(settings):
        raise AccessDenied("not here")

    registry = load(Config(), [plugin("base", crm_report_types=refuse)])

    [problem] = registry.broken["base"]
    assert problem.message == "plugin base 1.0 failed in crm_report_types: AccessDenied: not here"


def test_a_declaration_hook_of_an_essential_plugin_that_fails_stops_the_start():
    def fail(settings):
        raise RuntimeError("no luck")

    with pytest.raises(PluginError, match="failed in crm_metrics"):
        load(Config(), [plugin("calls", {"visit.schema.json": VISIT}, crm_metrics=fail)])


def test_hooks_that_would_never_be_called_stop_the_start_whatever_the_plugin_is_for():
    with pytest.raises(StartRefused) as caught:
        load(
            Config(),
            [
                plugin("a", crm_validte=lambda tx, batch: []),
                plugin("b", crm_validate=lambda tx, batch: []),
                plugin("c", manifest={"listens": {"crm_committed": ["order"]}}),
            ],
        )

    found = [(problem.plugin, problem.code) for problem in caught.value.problems]
    assert found == [("a", "unknown_hook"), ("b", "listens"), ("c", "listens")]


def test_a_hook_with_a_wrong_argument_stops_the_start():
    with pytest.raises(PluginError, match=r"plugin a 1\.0 failed in register"):
        load(Config(), [plugin("a", crm_metrics=lambda wrong: [])])


# Sharing.


def test_validators_record_classes_and_relations_are_made_once_for_all_threads():
    registry = load(Config())
    made = []
    start = threading.Barrier(8)

    def ask():
        start.wait()
        made.append((registry.validator("customer"), registry.record_class("order"), registry.relations("customer")))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({tuple(map(id, each)) for each in made}) == 1
    assert made[0][2]["orders"].entity == "order"


def test_two_registries_know_nothing_of_each_other():
    one, two = load(Config(), [plugin("a", crm_startup=lambda crm: None)]), load(Config())

    assert one.listeners("crm_startup") == ("a",)
    assert two.listeners("crm_startup") == ()
    with pytest.raises(AttributeError):
        one.plugins = {}


# Installed plugins, in a process of their own.


def installed(folder, name, manifest=None, init=""):
    package = folder / f"acme_{name}"
    package.mkdir(parents=True)
    document = {"name": name, "version": "1.0", "summary": "x", **(manifest or {})}
    (package / "plugin.json").write_text(json.dumps(document), encoding="utf-8")
    (package / "__init__.py").write_text(init, encoding="utf-8")
    meta = folder / f"acme_{name}-1.0.dist-info"
    meta.mkdir()
    (meta / "entry_points.txt").write_text(f"[crmcore.plugins]\n{name} = acme_{name}\n", encoding="utf-8")


def python(code, *path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    command = [sys.executable, "-c", "import sys\nfrom pathlib import Path\n" + code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_disabled_plugin_is_never_imported(tmp_path):
    site = tmp_path / "site"
    installed(site, "wanted")
    installed(site, "unwanted", init="raise RuntimeError('imported')")
    (tmp_path / "crm.toml").write_text('[plugins]\nenabled = ["wanted"]\n', encoding="utf-8")

    lines = python(
        "from crmcore.config import read_config\nfrom crmcore.registry import load, diagnose\n"
        f"path = Path({str(tmp_path / 'crm.toml')!r})\n"
        "print(*load(read_config(path)).plugins)\nprint(diagnose(path).problems)\n"
        "print(*sorted(name for name in sys.modules if name.startswith('acme')))",
        site,
    )

    assert lines == ["wanted", "()", "acme_wanted"]


def test_a_malformed_entry_points_file_elsewhere_is_a_warning_and_hides_nothing(tmp_path):
    site, other = tmp_path / "site", tmp_path / "other"
    installed(site, "wanted")
    (other / "bad-1.0.dist-info").mkdir(parents=True)
    (other / "bad-1.0.dist-info" / "entry_points.txt").write_text("no section\n", encoding="utf-8")
    (tmp_path / "crm.toml").write_text('[plugins]\nenabled = ["wanted"]\n', encoding="utf-8")

    lines = python(
        "from crmcore.config import read_config\nfrom crmcore.registry import load\n"
        f"registry = load(read_config(Path({str(tmp_path / 'crm.toml')!r})))\n"
        "print(*registry.plugins)\nprint(*[warning.file for warning in registry.warnings])",
        other,
        site,
    )

    assert lines == ["wanted", str(other / "bad-1.0.dist-info" / "entry_points.txt")]


def test_an_unknown_plugin_may_be_in_a_file_that_cannot_be_read(tmp_path):
    bad = tmp_path / "bad-1.0.dist-info"
    bad.mkdir()
    (bad / "entry_points.txt").write_text("no section\n", encoding="utf-8")
    (tmp_path / "crm.toml").write_text('[plugins]\nenabled = ["wanted"]\n', encoding="utf-8")

    [line] = python(
        "from crmcore.registry import diagnose\n"
        f"print(*[problem.hint for problem in diagnose(Path({str(tmp_path / 'crm.toml')!r})).problems])",
        tmp_path,
    )

    assert str(bad / "entry_points.txt") in line


def test_reports_and_columns_of_the_documentation_can_be_declared():
    report = Report(titles={"en": "x"}, columns=[Column(name="n", kind="integer")], rows=[[1]])
    declared = plugin(
        "sums", crm_report_types=lambda settings: [ReportType(name="sums.n", summary="x", compute=lambda tx, p: report)]
    )

    registry = load(Config(), [declared])

    assert registry.attributed("sums.n", registry.report_types["sums.n"].compute, None, {}) is report


def test_a_plugin_whose_manifest_cannot_be_read_is_not_just_unknown(tmp_path):
    package = tmp_path / "my_plugins" / "acme_phones"
    package.mkdir(parents=True)
    (package / "plugin.json").write_text('{"name": "phones"\n "version": "1.0"}')
    (package / "__init__.py").write_text("")
    config = tmp_path / "crm.toml"
    config.write_text('[plugins]\nenabled = ["phones"]\nplugin_dirs = ["my_plugins"]\n')

    said = "\n".join(str(problem) for problem in diagnose(config).problems)

    assert "acme_phones/plugin.json:2" in said
    assert "there is no plugin `phones`" in said
