"""The first write door: what is stored, what is refused, and that nothing is written when something is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from crmcore.errors import Conflict, DuplicateRecord, NotFound, UsageError, ValidationError


def test_a_created_record_is_read_back_in_python_form(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": " Acme ", "annual_revenue": "1100.04", "founded_date": "1996-02-29"})
    with crm.session() as session:
        found = session.get("customer", acme.id)
    assert found == acme
    assert (found.name, found.annual_revenue, found.founded_date) == (
        "Acme",
        Decimal("1100.04"),
        dt.date(1996, 2, 29),
    )
    assert (found.version, found.created_at, found.created_by) == (1, crm.now(), None)


def test_defaults_are_filled_in_and_an_explicit_none_leaves_the_field_empty(crm):
    with crm.session() as session:
        assert session.create("product", {"name": "GTX"}).active is True
        assert session.create("product", {"name": "MG", "active": None}).active is None


def test_empty_text_and_lists_are_stored_as_nothing(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme", "phone": "  ", "tags": []})
    assert (acme.phone, acme.tags) == (None, None)


def test_all_problems_of_a_record_are_reported_together_and_nothing_is_written(crm):
    with crm.session() as session:
        with pytest.raises(ValidationError) as caught:
            session.create("customer", {"nmae": "Acme", "kind": "shop", "owner": 99, "founded_date": "31.12.1996"})
        assert session.count("customer") == 0
    found = {(problem.field, problem.code) for problem in caught.value.problems}
    assert found == {
        ("nmae", "unknown_field"),
        ("kind", "enum"),
        ("owner", "reference"),
        ("founded_date", "type"),
        ("name", "required"),
    }
    assert "Did you mean `name`?" in str(caught.value)


def test_money_is_never_a_float(crm):
    with crm.session() as session, pytest.raises(ValidationError, match="decimal, not a binary fraction"):
        session.create("product", {"name": "GTX", "price": 5.5})


def test_an_update_changes_only_what_is_given_and_counts_the_version_up(crm, crm_clock):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme", "region": "East", "phone": "1"})
    crm_clock.advance(hours=1)
    with crm.session() as session:
        changed = session.update("customer", acme.id, {"region": "West", "phone": None})
    assert (changed.name, changed.region, changed.phone, changed.version) == ("Acme", "West", None, 2)
    assert changed.updated_at - changed.created_at == dt.timedelta(hours=1)


def test_an_update_that_changes_nothing_writes_nothing(crm, crm_clock):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme", "annual_revenue": "10"})
    crm_clock.advance(hours=1)
    with crm.session() as session:
        same = session.update("customer", acme.id, {"name": "Acme ", "annual_revenue": Decimal("10.00")})
        assert session.history("customer", acme.id) == []
    assert same == acme


def test_a_stale_version_is_a_conflict_that_says_both_versions(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        session.update("customer", acme.id, {"region": "East"}, version=1)
    with crm.session() as session:
        with pytest.raises(Conflict) as caught:
            session.update("customer", acme.id, {"region": "West"}, version=1)
        assert session.get("customer", acme.id).region == "East"
    assert (caught.value.expected, caught.value.found) == (1, 2)


def test_changing_what_is_not_there_is_not_found(crm):
    with crm.session() as session:
        with pytest.raises(NotFound, match="customer:7"):
            session.update("customer", 7, {"name": "Acme"})
        with pytest.raises(NotFound, match="customer:7"):
            session.get("customer", 7)


def test_an_unknown_entity_names_the_known_ones(crm):
    with crm.session() as session, pytest.raises(UsageError, match="customer, "):
        session.create("costumer", {})


def test_a_new_record_cannot_bring_its_id(crm):
    with crm.session() as session, pytest.raises(UsageError, match="no id yet"):
        session.create("customer", {"id": 7, "name": "Acme"})


def test_history_keeps_who_when_and_the_old_values(crm, crm_clock):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme", "annual_revenue": "1.5"})
    crm_clock.advance(days=1)
    with crm.session(source="cli") as session:
        session.update("customer", acme.id, {"annual_revenue": None, "region": "East"})
        (entry,) = session.history("customer", acme.id)
    assert (entry.actor, entry.at, entry.action, entry.source, entry.version) == (
        "system",
        crm.now(),
        "update",
        "cli",
        2,
    )
    assert entry.old == {"annual_revenue": "1.50", "region": None}


def test_many_rows_are_all_written_or_none(crm):
    rows = [{"name": "Acme"}, {"name": "Betasoloin", "kind": "shop"}, {}]
    with crm.session() as session:
        with pytest.raises(ValidationError) as caught:
            session.save_many("customer", rows)
        assert session.count("customer") == 0
    assert [(problem.row, problem.field) for problem in caught.value.problems] == [(1, "kind"), (2, "name")]


def test_bad_rows_can_be_left_out(crm):
    rows = [{"name": "Acme"}, {"name": "Betasoloin", "kind": "shop"}, {"name": "Cancity"}]
    with crm.session() as session:
        result = session.save_many("customer", rows, on_problem="reject")
        assert [record.name for record in session.find("customer", order="name")] == ["Acme", "Cancity"]
    assert [row.outcome for row in result.rows] == ["created", "rejected", "created"]
    assert result.ids[1] is None


def test_rows_with_an_id_change_that_record_and_others_are_created(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        result = session.save_many("customer", [{"id": acme.id, "region": "East"}, {"name": "Cancity"}])
        assert session.get("customer", acme.id).region == "East"
    assert [row.outcome for row in result.rows] == ["updated", "created"]


def test_thousands_of_rows_are_saved_with_their_history(crm):
    with crm.session() as session:
        created = session.save_many("product", [{"code": f"P{n:05}", "name": f"Product {n}"} for n in range(2500)])
        assert created.count("created") == 2500
    with crm.session() as session:
        again = [{"code": f"P{n:05}", "name": f"Product {n % 100}"} for n in range(2500)]
        result = session.save_many("product", again, on_match="update")
        assert (result.count("updated"), result.count("unchanged")) == (2400, 100)
        assert len(session.history("product", result.ids[200])) == 1


def test_update_where_changes_all_that_the_condition_selects(crm):
    with crm.session() as session:
        session.save_many("customer", [{"name": f"C{n}", "region": "East" if n < 3 else "West"} for n in range(5)])
        assert session.update_where("customer", "region = 'east'", {"region": "South"}) == 3
        assert session.count("customer", "region = 'South'") == 3


def test_a_value_that_a_unique_field_has_already_is_refused_until_its_holder_is_deleted(crm):
    with crm.session() as session:
        east = session.create("team", {"name": "East"})
        session.create("team", {"name": "West"})
        with pytest.raises(ValidationError, match=r"team:1 has this Team name already"):
            session.update("team", 2, {"name": "EAST"})
        session.delete("team", east.id)
        assert session.update("team", 2, {"name": "EAST"}).name == "EAST"


def test_two_new_rows_with_one_unique_value_are_refused(crm):
    with crm.session() as session:
        result = session.save_many("team", [{"name": "East"}, {"name": "east"}], on_match="create", on_problem="reject")
    assert [row.outcome for row in result.rows] == ["created", "rejected"]


def test_an_error_inside_the_block_rolls_everything_back(crm):
    with pytest.raises(ZeroDivisionError), crm.session() as session:
        session.create("customer", {"name": "Acme"})
        raise ZeroDivisionError
    with crm.session() as session:
        assert session.count("customer") == 0


def test_a_refused_record_leaves_the_rest_of_the_session_intact(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        with pytest.raises(DuplicateRecord):
            session.create("customer", {"name": "ACME"})
        session.create("customer", {"name": "Cancity"})
    with crm.session() as session:
        assert session.count("customer") == 2


def test_what_only_the_database_notices_is_said_like_any_other_refusal(crm):
    from sqlalchemy import insert

    from crmcore.types import Actor

    with crm.session() as session:
        session.create("team", {"name": "East"})
        team = {
            "version": 1,
            "created_at": session.now,
            "updated_at": session.now,
            "name": "East",
            "name__folded": "east",
        }
        with pytest.raises(DuplicateRecord, match="somebody else has just saved the same name"), session.savepoint():
            session.connection.execute(insert(crm.runtime.tables.entity["team"]).values(team))
        assert session.count("team") == 1
    with crm.session(Actor(login="ghost", id=99, roles=("admin",))) as session:
        with pytest.raises(ValidationError, match="a reference leads to a record that is not there"):
            session.create("team", {"name": "West"})
