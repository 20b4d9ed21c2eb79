"""Lifecycle hooks: when they are called, with what, and what they can do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crmcore import hookimpl
from crmcore.errors import PluginError, ValidationError
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
