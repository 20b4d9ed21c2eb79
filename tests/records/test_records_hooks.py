"""Lifecycle hooks: when they are called, with what, and what they can do."""

from __future__ import annotations

import doctest
from types import SimpleNamespace

import pytest

from crmcore import hookimpl, hookspecs
from crmcore.errors import PluginError, ValidationError
from crmcore.testing import run_rule
from crmcore.types import Plugin


def plugin(name="watch", listens=(), after=(), **hooks):
    manifest = {
        "name": name,
        "version": "1.0",
        "summary": "A plugin of a test.",
        "listens": {hook: ["customer"] for hook in listens or hooks},
        "after": list(after),
    }
    return Plugin(manifest=manifest, module=SimpleNamespace(**{n: hookimpl(f) for n, f in hooks.items()}))


def test_hooks_are_called_in_order_with_the_whole_batch(make_crm, database_url):
    calls = []

    def crm_before_validate(tx, batch):
        calls.append(("before_validate", batch.action, len(batch), [change.id for change in batch]))

    def crm_validate(tx, batch):
        calls.append(("validate", batch.action, len(batch)))
        return []

    def crm_before_save(tx, batch):
        calls.append(("before_save", batch.source))

    def crm_after_save(tx, batch):
        calls.append(("after_save", [change.id for change in batch], [change.after["name"] for change in batch]))

    watch = plugin(
        crm_before_validate=crm_before_validate,
        crm_validate=crm_validate,
        crm_before_save=crm_before_save,
        crm_after_save=crm_after_save,
    )
    crm = make_crm(plugins=[watch], database_url=database_url)
    with crm.session(source="import") as session:
        session.save_many("customer", [{"name": "Acme"}, {"name": "Cancity"}])
        session.create("team", {"name": "East"})
    assert calls == [
        ("before_validate", "create", 2, [None, None]),
        ("validate", "create", 2),
        ("before_save", "import"),
        ("after_save", [1, 2], ["Acme", "Cancity"]),
    ]


def test_a_change_shows_values_before_and_after_in_python_form(make_crm):
    seen = []

    def crm_after_save(tx, batch):
        for change in batch:
            seen.append((change.before.get("annual_revenue"), change.after["annual_revenue"], change.changed))

    crm = make_crm(plugins=[plugin(crm_after_save=crm_after_save)])
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "annual_revenue": "1"})
        session.update("customer", 1, {"annual_revenue": "2.50"})
    assert [(before, str(after)) for before, after, _changed in seen] == [(None, "1.00"), (seen[0][1], "2.50")]
    assert seen[1][2] == {"annual_revenue"}


def test_values_that_a_plugin_sets_are_validated_and_stored(make_crm):
    def crm_before_validate(tx, batch):
        for change in batch:
            if change.after["phone"]:
                change.set("phone", change.after["phone"].replace(" ", ""))

    crm = make_crm(plugins=[plugin(crm_before_validate=crm_before_validate)])
    with crm.session() as session:
        assert session.create("customer", {"name": "Acme", "phone": "138 0000"}).phone == "1380000"


def test_a_key_that_a_plugin_normalises_still_finds_the_record(make_crm):
    def crm_before_validate(tx, batch):
        for change in batch:
            if change.after["code"]:
                change.set("code", change.after["code"].removeprefix("NO."))

    crm = make_crm(plugins=[plugin(crm_before_validate=crm_before_validate)])
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "code": "7"})
        found = session.create("customer", {"name": "Acme Inc", "code": "NO.7"}, on_match="update")
    assert (found.id, found.name, found.code) == (1, "Acme Inc", "7")


def test_a_value_set_before_saving_is_checked_again(make_crm):
    def crm_before_save(tx, batch):
        for change in batch:
            change.set("owner", 99)

    crm = make_crm(plugins=[plugin(crm_before_save=crm_before_save)])
    with crm.session() as session, pytest.raises(ValidationError, match="there is no user:99"):
        session.create("customer", {"name": "Acme"})


def test_problems_of_plugins_come_with_those_of_the_schema_and_name_the_plugin(make_crm):
    def crm_validate(tx, batch):
        for change in batch:
            if not change.after["phone"]:
                yield change.problem("a phone number is needed", field="phone")

    crm = make_crm(plugins=[plugin(crm_validate=crm_validate)])
    with crm.session() as session:
        with pytest.raises(ValidationError) as caught:
            session.save_many("customer", [{"name": "Acme", "phone": "1"}, {"kind": "shop"}])
        assert session.count("customer") == 0
    found = {(problem.row, problem.field, problem.plugin) for problem in caught.value.problems}
    assert found == {(1, "kind", None), (1, "name", None), (1, "phone", "watch")}


def test_an_exception_in_a_hook_aborts_the_save_and_names_the_plugin(make_crm):
    def crm_after_save(tx, batch):
        raise RuntimeError("no connection")

    crm = make_crm(plugins=[plugin(crm_after_save=crm_after_save)])
    with crm.session() as session:
        with pytest.raises(PluginError, match=r"watch 1.0 failed in crm_after_save: RuntimeError: no connection"):
            session.create("customer", {"name": "Acme"})
        assert session.count("customer") == 0


def test_a_plugin_may_save_other_records_in_the_same_transaction(make_crm):
    def crm_after_save(tx, batch):
        if batch.action == "create":
            for change in batch:
                tx.create(
                    "activity",
                    {"subject": f"customer:{change.id}", "kind": "call", "summary": "Welcome", "due_date": tx.today},
                )

    crm = make_crm(plugins=[plugin(crm_after_save=crm_after_save)])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    with crm.session() as session:
        assert session.find("activity")[0].summary == "Welcome"


def test_values_cannot_be_set_once_they_are_saved(make_crm):
    def crm_after_save(tx, batch):
        for change in batch:
            change.set("phone", "1")

    crm = make_crm(plugins=[plugin(crm_after_save=crm_after_save)])
    with (
        crm.session() as session,
        pytest.raises(
            PluginError, match=r"watch 1\.0 failed in crm_after_save[\s\S]*crm_before_validate and crm_before_save"
        ),
    ):
        session.create("customer", {"name": "Acme"})


def test_a_record_that_is_being_deleted_cannot_be_changed(make_crm):
    def crm_before_save(tx, batch):
        for change in batch:
            change.set("phone", "1")

    crm = make_crm(plugins=[plugin(crm_before_save=crm_before_save)])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        with pytest.raises(PluginError, match="a record that is being deleted cannot be changed"):
            session.delete("customer", 1)


def documented(hook):
    """The example in a hook's specification."""
    written = doctest.DocTestParser().get_examples(getattr(hookspecs, hook).__doc__)
    names = {}
    exec("".join(example.source for example in written), names)
    return names[hook]


def test_the_documented_hooks_let_records_be_created_changed_deleted_and_brought_back(make_crm):
    listens = {
        "crm_before_validate": "customer",
        "crm_validate": "order",
        "crm_check_transition": "opportunity",
        "crm_before_save": "customer",
        "crm_after_save": "customer",
        "crm_computed": "customer",
    }
    assert set(listens) == set(hookspecs.writing.__all__)
    manifest = {"name": "pages", "version": "1", "summary": "x", "listens": {n: [one] for n, one in listens.items()}}
    module = SimpleNamespace(**{hook: documented(hook) for hook in listens})
    crm = make_crm(plugins=[Plugin(manifest=manifest, module=module)], enabled=["sales", "abc"])

    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme and Sons of Shenzhen", "code": "a-7"})
        assert (acme.code, acme.short_name) == ("A-7", "Acme and Sons of She")
        order = {"customer": 1, "number": "SO-1", "order_date": "2026-01-10", "amount": "5"}
        session.create("order", order)
        with pytest.raises(ValidationError, match="lies in the future"):
            session.create("order", {**order, "number": "SO-2", "order_date": "2026-01-16"})
        with pytest.raises(ValidationError, match="order_date"):
            session.create("order", {"customer": 1})
        session.create("opportunity", {"name": "Lathe", "customer": 1})
        with pytest.raises(ValidationError, match="say what comes next"):
            session.update("opportunity", 1, {"stage": "contract"})
    run_rule(crm, "abc.class")
    with crm.session() as session:
        assert session.get("customer", 1).notes == "class C since 2026-01-15"
        for entity in ("opportunity", "order", "customer"):
            session.update(entity, 1, {"notes": "changed"})
            session.delete(entity, 1)
        for entity in ("customer", "order", "opportunity"):
            assert session.restore(entity, 1).notes == "changed"
        assert [activity.summary for activity in session.find("activity")] == ["Welcome"]


def test_a_deletion_can_be_refused_by_a_plugin(make_crm):
    def crm_validate(tx, batch):
        if batch.action == "delete":
            yield from (change.problem("still under contract") for change in batch)

    crm = make_crm(plugins=[plugin(crm_validate=crm_validate)])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        with pytest.raises(ValidationError, match="still under contract"):
            session.delete("customer", 1)
        assert session.count("customer") == 1


def test_a_plugin_is_asked_whether_a_record_may_come_back_and_told_no_more_than_the_actor_may_read(make_crm):
    def crm_validate(tx, batch):
        if batch.action in ("delete", "restore"):
            for change in batch:
                if change.after["name"] == batch.action:
                    yield change.problem("not now", field="phone")

    roles = {"sales": {"customer": {"read": True, "delete": True, "hide": ["phone"]}}}
    crm = make_crm(plugins=[plugin(crm_validate=crm_validate)], roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
        session.save_many("customer", [{"name": name, "phone": "13800000000"} for name in ("delete", "restore")])
        session.delete("customer", 2)
    with crm.session("anna") as session:
        for attempt in (lambda: session.delete("customer", 1), lambda: session.restore("customer", 2)):
            with pytest.raises(ValidationError, match="not now") as caught:
                attempt()
            assert [problem.value for problem in caught.value.problems] == [None]
        assert session.count("customer") == 1


def test_plugins_are_called_in_the_order_that_they_ask_for(make_crm):
    order = []

    def hook(name):
        def crm_after_save(tx, batch):
            order.append(name)

        return crm_after_save

    second = plugin("aaa", after=["zzz"], crm_after_save=hook("aaa"))
    first = plugin("zzz", crm_after_save=hook("zzz"))
    crm = make_crm(plugins=[second, first])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    assert order == ["zzz", "aaa"]
