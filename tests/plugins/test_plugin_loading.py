from __future__ import annotations

import doctest
import importlib
import inspect
import json
import re
import sys
from types import SimpleNamespace

import pytest

import crmcore.hookspecs
from crmcore.errors import PluginError, ValidationError
from crmcore.hookspecs import DECLARATIONS, HOOKS, ISOLATED, LISTENED, RETURNS, hookimpl
from crmcore.manifest import manifest_of
from crmcore.plugins.calling import listeners
from crmcore.plugins.discovery import Found
from crmcore.plugins.loading import hook_problems, import_plugin, missing_packages, new_manager, register
from crmcore.types import Metric, Permission, Problem


def manifest(name="hello", **more):
    return manifest_of({"name": name, "version": "1.0", "summary": "x", **more})


def folder_plugin(folder, name, init):
    place = folder / name
    place.mkdir()
    (place / "plugin.json").write_text(json.dumps({"name": name, "version": "1.0", "summary": "x"}), encoding="utf-8")
    (place / "__init__.py").write_text(init, encoding="utf-8")
    return Found(name=name, origin="here", package=name, folder=place)


@pytest.fixture(autouse=True)
def _forget_imports(monkeypatch):
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("local_"):
            del sys.modules[name]


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_every_hook_says_when_it_is_called_with_what_and_shows_an_example(hook):
    documented = inspect.getdoc(getattr(crmcore.hookspecs, hook))

    arguments = inspect.signature(getattr(crmcore.hookspecs, hook)).parameters
    assert "Raises:" in documented
    assert "Example:" in documented
    assert ("Returns:" in documented) == (hook in RETURNS)
    assert all(re.search(rf"^    {name}: ", documented, re.MULTILINE) for name in arguments)


@pytest.mark.parametrize("module", ["declarations", "lifecycle", "questions", "writing"])
def test_the_examples_of_hooks_run(module):
    results = doctest.testmod(importlib.import_module(f"crmcore.hookspecs.{module}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_every_hook_is_of_one_kind():
    assert {*DECLARATIONS, *LISTENED, *ISOLATED, *RETURNS} <= HOOKS
    assert not DECLARATIONS.keys() & LISTENED


def test_a_missing_package_is_named_with_what_pip_shall_install():
    needing = manifest(needs={"json": "json", "no_such_package_here": "crmcore[charts]"})

    [problem] = missing_packages(needing)

    assert "no_such_package_here" in problem.message
    assert problem.hint == 'pip install "crmcore[charts]"'
    assert problem.pointer == "/needs/no_such_package_here"


def test_a_package_that_is_needed_is_looked_for_without_importing_it(tmp_path, monkeypatch):
    (tmp_path / "local_needed.py").write_text("raise RuntimeError", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    assert list(missing_packages(manifest(needs={"local_needed": "x"}))) == []
    assert "local_needed" not in sys.modules


def test_a_package_that_is_half_there_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "local_half", SimpleNamespace(__spec__=None))

    [problem] = missing_packages(manifest(needs={"local_half": "whole"}))

    assert problem.hint == 'pip install "whole"'


def test_a_plugin_in_a_folder_imports_its_own_modules_and_leaves_the_path_alone(tmp_path):
    found = folder_plugin(
        tmp_path, "local_parts", "from local_parts.inner import WORD\nfrom .inner import WORD as same\n"
    )
    (tmp_path / "local_parts" / "inner.py").write_text("WORD = 'hello'\n", encoding="utf-8")
    path = list(sys.path)

    module = import_plugin(found)

    assert (module.WORD, module.same) == ("hello", "hello")
    assert sys.path == path
    assert import_plugin(found) is module


@pytest.mark.parametrize(
    ("init", "said"),
    [
        ("raise RuntimeError('no luck')", "plugin local_bad failed in import: RuntimeError: no luck"),
        ("import sys; sys.exit(3)", "plugin local_bad failed in import: SystemExit: 3"),
        ("import no_such_module_here", "ModuleNotFoundError"),
        ("this is no python", "SyntaxError"),
    ],
)
def test_whatever_happens_at_import_is_attributed_to_the_plugin(tmp_path, init, said):
    with pytest.raises(PluginError) as caught:
        import_plugin(folder_plugin(tmp_path, "local_bad", init))

    assert said in caught.value.message
    assert (caught.value.plugin, caught.value.hook) == ("local_bad", "import")
    assert "crmcore plugins disable local_bad" in caught.value.hint
    assert "local_bad" not in sys.modules


def test_a_folder_may_not_hide_another_package(tmp_path):
    with pytest.raises(PluginError, match=r"hides another package of that name.*rename the folder"):
        import_plugin(folder_plugin(tmp_path, "json", ""))


def test_an_installed_plugin_is_imported_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "local_installed.py").write_text("WORD = 1", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    module = import_plugin(Found(name="hello", origin="here", package="local_installed"))

    assert module is sys.modules["local_installed"]


def registered(module, **more):
    manager = new_manager()
    described = manifest(**more)
    holder = register(manager, described, module)
    return manager, described, holder


def problems_of(module, **more):
    return list(hook_problems(*registered(module, **more)))


def test_a_misspelled_hook_is_refused_with_the_name_that_was_meant():
    @hookimpl
    def crm_metrcs(settings): ...

    [problem] = problems_of(SimpleNamespace(crm_metrcs=crm_metrcs))

    assert problem.message == "there is no hook `crm_metrcs`"
    assert problem.hint == "Did you mean `crm_metrics`?"
    assert problem.plugin == "hello"


def test_a_hook_that_is_implemented_and_not_listed_is_refused_with_the_line_to_write():
    @hookimpl
    def crm_validate(tx, batch): ...

    [problem] = problems_of(SimpleNamespace(crm_validate=crm_validate))

    assert "would never be called" in problem.message
    assert '"listens": {"crm_validate": ["customer"]}' in problem.hint


def test_a_hook_that_is_listed_and_not_implemented_is_refused():
    [problem] = problems_of(SimpleNamespace(), listens={"crm_validate": ["customer"]})

    assert problem.message == "`crm_validate` is listed under `listens` and not implemented"
    assert problem.pointer == "/listens/crm_validate"


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
def test_wrappers_are_refused(options):
    @hookimpl(**options)
    def crm_migrate(tx, from_version):
        yield

    [problem] = problems_of(SimpleNamespace(crm_migrate=crm_migrate))

    assert problem.code == "wrapper"


@pytest.mark.parametrize("options", [{"tryfirst": True}, {"trylast": True}])
def test_an_order_that_has_no_effect_is_refused(options):
    @hookimpl(**options)
    def crm_migrate(tx, from_version): ...

    [problem] = problems_of(SimpleNamespace(crm_migrate=crm_migrate))

    assert problem.hint == "The order is `after` in plugin.json."


def test_an_argument_that_the_hook_does_not_have_is_attributed():
    @hookimpl
    def crm_metrics(setings): ...

    with pytest.raises(PluginError) as caught:
        registered(SimpleNamespace(crm_metrics=crm_metrics))

    assert caught.value.plugin == "hello"
    assert "setings" in caught.value.message


class Hooks:
    __hash__ = None

    def __init__(self, result=()):
        self.result = result

    @hookimpl
    def crm_metrics(self, settings):
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.mark.parametrize("module", [SimpleNamespace(crm_metrics=Hooks().crm_metrics), Hooks(), Hooks])
def test_hooks_may_be_those_of_a_namespace_an_object_or_a_class(module):
    manager, _described, holder = registered(module)

    assert [caller.name for caller in manager.get_hookcallers(holder)] == ["crm_metrics"]


def asked(result):
    manager, _, holder = registered(Hooks(result))
    [listener] = listeners(manager, "crm_metrics", [("hello", "1.0", holder)])
    return listener(settings={})


def test_hooks_are_called_in_our_order_and_not_in_that_of_registration():
    manager = new_manager()
    metric = {name: Metric(name=f"{name}.m", entity="customer", relation="orders", aggregate="count") for name in "abc"}
    running = [(name, "1.0", register(manager, manifest(name), Hooks([metric[name]]))) for name in "cab"]

    called = [(one.plugin, one(settings={})) for one in listeners(manager, "crm_metrics", sorted(running)[::-1])]

    assert called == [("c", (metric["c"],)), ("b", (metric["b"],)), ("a", (metric["a"],))]


def test_a_generator_is_exhausted_where_its_exceptions_can_be_attributed():
    def late():
        yield Metric(name="hello.m", entity="customer", relation="orders", aggregate="count")
        raise ZeroDivisionError

    with pytest.raises(PluginError, match=r"plugin hello 1\.0 failed in crm_metrics: ZeroDivisionError"):
        asked(late())


@pytest.mark.parametrize("error", [RuntimeError("no luck"), SystemExit(2), KeyError("x")])
def test_an_exception_in_a_hook_says_whose_it_is(error):
    with pytest.raises(PluginError) as caught:
        asked(error)

    assert (caught.value.plugin, caught.value.version, caught.value.hook) == ("hello", "1.0", "crm_metrics")
    assert caught.value.cause is error
    assert caught.value.__cause__ is error


def test_an_error_that_is_raised_on_purpose_passes_unchanged():
    error = ValidationError([Problem(message="no")])

    with pytest.raises(ValidationError) as caught:
        asked(error)

    assert caught.value is error


def test_an_interruption_is_nobodys_failure():
    with pytest.raises(KeyboardInterrupt):
        asked(KeyboardInterrupt())


@pytest.mark.parametrize("result", [7, [Permission("hello.x")], "text"])
def test_a_result_of_another_type_is_the_plugins_failure(result):
    with pytest.raises(PluginError, match="crm_metrics: TypeError"):
        asked(result)


def test_a_hook_that_returns_nothing_declares_nothing():
    assert asked(None) == ()


def test_a_plugin_in_a_folder_may_be_on_the_path_too(tmp_path, monkeypatch):
    found = folder_plugin(tmp_path, "local_on_path", "here = True")
    monkeypatch.syspath_prepend(tmp_path)

    assert import_plugin(found).here
