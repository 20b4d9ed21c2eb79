"""What saving and restoring tell an actor of fields that the actor may not read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crmcore import hookimpl
from crmcore.errors import ValidationError
from crmcore.types import Plugin

SALES = {"customer": {"create": True, "read": True, "update": True, "delete": True, "hide": ["margin", "card", "boss"]}}
TOLD = [(None, "a field that you may not read is not valid", None)]


def vault(most=1000, **hooks):
    """Return a plugin with three fields that are closed to sales."""
    properties = {
        "margin": {"type": "integer", "maximum": most},
        "card": {"type": "string", "maxLength": 20, "x-crm": {"unique": True}},
        "boss": {"type": "integer", "x-crm": {"ref": "customer"}},
    }
    module = SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})
    manifest = {"name": "vault", "version": "1", "summary": "x", "listens": {name: ["customer"] for name in hooks}}
    schema = {"$schema": "urn:crmcore:extension:1", "properties": properties}
    return Plugin(manifest=manifest, module=module, schemas={"customer.extend.json": schema})


@pytest.fixture
def make(make_crm, database_url):
    """Give a function that returns a CRM with a user anna, whose role hides what the plugin adds."""

    def made(*rows, later=None, **hooks):
        crm = make_crm(plugins=[vault(**hooks)], roles={"sales": SALES}, database_url=database_url)
        with crm.session() as session:
            session.create("user", {"login": "anna", "roles": ["sales"]})
            for row in rows:
                session.create("customer", row)
        return make_crm(plugins=[later], roles={"sales": SALES}, database_url=database_url) if later else crm

    return made


def told(crm, act):
    with crm.session("anna") as session, pytest.raises(ValidationError) as refused:
        act(session)
    return [(problem.field, problem.message, problem.value) for problem in refused.value.problems]


def test_a_stored_value_that_a_newer_schema_refuses_is_not_told(make):
    crm = make({"name": "Acme", "margin": 777}, later=vault(most=100))

    assert told(crm, lambda session: session.update("customer", 1, {"city": "Xi'an"})) == TOLD


def test_what_the_actor_gave_is_named_beside_what_is_hidden(make):
    crm = make({"name": "Acme", "margin": 777}, later=vault(most=100))

    found = told(crm, lambda session: session.update("customer", 1, {"kind": "club", "card": "1"}))

    assert [field for field, _message, _value in found] == ["card", "kind", None]
    assert found[-1:] == TOLD


def test_restoring_does_not_tell_a_hidden_value_that_somebody_else_has_by_now(make):
    crm = make({"name": "Acme", "card": "123-45"}, {"name": "Boss"}, {"name": "Beta", "boss": 2})
    with crm.session() as session:
        session.delete("customer", 1)
        session.delete("customer", 3)
        session.delete("customer", 2)
        session.create("customer", {"name": "Next", "card": "123-45"})

    for id in (1, 3):
        assert told(crm, lambda session, id=id: session.restore("customer", id)) == TOLD


def test_what_a_plugin_sets_in_hidden_fields_is_not_told_either(make):
    def set_card(tx, batch):
        for change in batch:
            change.set("card", "123-45")
            change.set("margin", 2000)

    crm = make(crm_before_save=set_card)

    assert told(crm, lambda session: session.create("customer", {"name": "Acme"})) == TOLD
    with crm.session() as session, pytest.raises(ValidationError, match='"margin" must be at most 1000; found 2000'):
        session.create("customer", {"name": "Acme"})
