"""Who may see and do what: roles from crm.toml, rules of plugins, on both databases."""

from __future__ import annotations

import contextlib
from threading import Thread
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmcore import hookimpl
from crmcore.errors import AccessDenied, ConditionError, CRMError, NotFound, ValidationError
from crmcore.types import AccessRule, Actor, Permission, Plugin

SALES = {
    "customer": {
        "create": True,
        "read": "owner = me or team = my_team",
        "update": "owner = me",
        "hide": ["credit_limit"],
        "fixed": ["code"],
    },
    "order": {"read": "customer.owner = me"},
    "user": {"read": True},
}


def office(crm):
    """Two teams, three people, a customer for each and one that nobody has."""
    with crm.session() as session:
        east, west = (session.create("team", {"name": name}).id for name in ("East", "West"))
        people = [
            session.create("user", {"login": login, "name": login, "roles": roles, "team": team})
            for login, roles, team in [
                ("anna", ["sales"], east),
                ("boris", ["sales"], west),
                ("chen", ["clerk"], west),
                ("root", ["admin"], None),
                ("nobody", [], None),
            ]
        ]
        for person in people[:3]:
            session.create(
                "customer",
                {"name": f"{person.login}'s", "owner": person.id, "team": person.team, "credit_limit": "500"},
            )
        session.create("customer", {"name": "free"})
    return crm


@pytest.fixture
def crm(make_crm, database_url):
    roles = {
        "sales": SALES,
        "clerk": {"customer": {"read": True, "hide": ["credit_limit", "phone"]}, "*": {"read": True}},
        "finance": {"customer": {"read": True, "hide": ["phone"]}},
    }
    return office(make_crm(roles=roles, database_url=database_url))


def seen(crm, login):
    with crm.session(login, read_only=True) as session:
        return [customer.name for customer in session.find("customer")]


def test_nothing_is_allowed_that_no_role_allows(crm):
    assert seen(crm, "nobody") == []
    with crm.session("nobody") as session:
        with pytest.raises(NotFound):
            session.get("customer", 1)
        with pytest.raises(AccessDenied, match="nobody may not create customer"):
            session.create("customer", {"name": "Acme"})


def test_a_condition_says_which_records_are_seen(crm):
    assert seen(crm, "anna") == ["anna's"]
    assert seen(crm, "boris") == ["boris's", "chen's"]
    assert seen(crm, "chen") == ["anna's", "boris's", "chen's", "free"]
    assert seen(crm, "root") == ["anna's", "boris's", "chen's", "free"]


def test_a_record_that_may_be_read_and_not_changed_says_so(crm):
    with crm.session("boris") as session:
        assert session.update("customer", 2, {"region": "West"}).region == "West"
        with pytest.raises(AccessDenied, match="boris may not update customer:3"):
            session.update("customer", 3, {"region": "West"})
        with pytest.raises(AccessDenied, match="boris may not delete customer:2"):
            session.delete("customer", 2)


def test_a_record_that_may_not_be_read_is_not_there(crm):
    with crm.session("anna") as session:
        for action in (session.get, session.delete, lambda *ref: session.update(*ref, {"region": "x"})):
            with pytest.raises(NotFound, match="there is no customer:2"):
                action("customer", 2)


def test_a_change_that_gives_the_record_away_is_refused_and_taken_back(crm):
    with crm.session("anna") as session:
        with pytest.raises(AccessDenied):
            session.update("customer", 1, {"owner": 2})
        assert session.get("customer", 1).owner == 1


def test_creating_needs_the_new_record_to_fit_the_rule(make_crm):
    crm = office(
        make_crm(roles={"sales": {"customer": {"create": "owner = me", "read": True}, "user": {"read": True}}})
    )
    with crm.session("anna") as session:
        rows = [{"name": "mine", "owner": 1}, {"name": "his", "owner": 2}]
        result = session.save_many("customer", rows, on_problem="reject")
        assert [row.outcome for row in result.rows] == ["created", "rejected"]
        with pytest.raises(AccessDenied):
            session.create("customer", {"name": "nobody's", "owner": None})
        assert session.count("customer", "name = 'his' or name = 'nobody''s'") == 0


def test_whoever_creates_a_record_by_hand_owns_it_unless_they_say_otherwise(make_crm):
    rights = {"create": True, "read": "owner = me or owner is empty", "fixed": ["owner"]}
    crm = office(make_crm(roles={"sales": {"customer": rights}}))
    with crm.session("anna") as session:
        assert session.create("customer", {"name": "new"}).owner == 1
    with crm.session("anna", source="import") as session:
        assert session.create("customer", {"name": "called imported"}).owner == 1
        (id,) = session.save_many("customer", [{"name": "from a file"}], import_id=1).ids
        assert session.get("customer", id).owner is None
    with crm.session() as session:
        assert session.create("customer", {"name": "the system's"}).owner is None


def test_a_hidden_field_is_neither_shown_nor_asked_for_nor_set(crm):
    with crm.session("anna") as session:
        anna = session.get("customer", 1)
        assert not anna.credit_limit
        assert "credit_limit" not in anna.as_json()
        assert "credit_limit" not in session.table("customer").c
        for ask in ({"where": "credit_limit > 1"}, {"order": "credit_limit"}):
            with pytest.raises(ConditionError, match=r"you may not read customer\.credit_limit"):
                session.find("customer", **ask)
        with pytest.raises(ConditionError, match="may not read"):
            session.find("order", "customer.credit_limit > 1")
        with pytest.raises(ValidationError, match="you may not set this field"):
            session.update("customer", 1, {"credit_limit": "9"})


def test_old_values_of_a_hidden_field_are_not_in_the_history(crm):
    with crm.session() as session:
        session.update("customer", 1, {"credit_limit": "9", "region": "East"})
    with crm.session("anna", read_only=True) as session:
        assert session.history("customer", 1)[0].old == {"region": None}


def test_a_fixed_field_is_read_and_not_set_but_may_be_given_back_unchanged(crm):
    with crm.session() as session:
        session.update("customer", 1, {"code": "K-1"})
    with crm.session("anna") as session:
        assert session.update("customer", 1, {"code": "K-1", "region": "East"}).region == "East"
        with pytest.raises(ValidationError, match="you may not set this field"):
            session.update("customer", 1, {"code": "K-2"})


def test_rights_of_several_roles_add_up(crm):
    both = Actor(login="both", id=3, roles=("clerk", "finance"))
    with crm.session(both, read_only=True) as session:
        record = session.get("customer", 1)
    assert record.credit_limit is not None
    assert not record.phone
    assert "phone" not in record.as_json()


def test_related_records_that_may_not_be_seen_do_not_count_in_a_filter(crm):
    with crm.session() as session:
        session.create("order", {"customer": 3, "order_date": "2026-01-10", "amount": "1"})
    with crm.session("boris", read_only=True) as session:
        assert session.count("customer") == 2
        assert session.count("customer", "any orders") == 0
    with crm.session("chen", read_only=True) as session:
        assert session.count("customer", "any orders") == 1


def test_a_reference_to_a_record_that_may_not_be_seen_is_refused(make_crm):
    roles = {"sales": {"customer": {"read": "owner = me"}, "order": {"create": True, "read": True}}}
    crm = office(make_crm(roles=roles))
    with crm.session("anna") as session:
        session.create("order", {"customer": 1, "order_date": "2026-01-10"})
        with pytest.raises(ValidationError, match="there is no customer:2"):
            session.create("order", {"customer": 2, "order_date": "2026-01-10"})


def test_a_duplicate_of_a_colleagues_record_is_told_without_giving_it_away(make_crm):
    crm = office(make_crm(roles={"sales": {"customer": {"create": True, "read": "owner = me"}}}))
    with crm.session("anna") as session, pytest.raises(ValidationError) as caught:
        session.create("customer", {"name": "BORIS'S"})
    assert "a colleague already has this record: same name" in str(caught.value)
    assert "customer:2" not in str(caught.value)


def test_an_unknown_or_inactive_login_is_refused(crm):
    with crm.session() as session:
        session.update("user", 1, {"active": False})
    for login in ("anna", "ghost"):
        with pytest.raises(AccessDenied, match="no active user"), crm.session(login):
            pass


def test_a_role_that_is_not_declared_any_more_grants_nothing(crm):
    with crm.session(Actor(login="x", id=1, roles=("boss",)), read_only=True) as session:
        assert session.count("customer") == 0


def test_a_plugin_can_allow_and_a_forbidding_rule_beats_all(make_crm, database_url):
    def crm_access_rules(actor, action, entity):
        if action == "read":
            yield AccessRule(where="name = 'free'", reason="everybody's")
            yield AccessRule(where="key_customer = true", effect="forbid")

    manifest = {"name": "share", "version": "1", "summary": "x", "listens": {"crm_access_rules": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_access_rules=hookimpl(crm_access_rules)))
    crm = office(make_crm(plugins=[plugin], roles={"sales": SALES}, database_url=database_url))
    assert seen(crm, "anna") == ["anna's", "free"]
    with crm.session() as session:
        session.update("customer", 1, {"key_customer": True})
    assert seen(crm, "anna") == ["free"]


def test_a_plugin_asks_whether_its_permission_was_granted(make_crm, database_url):
    asked = []

    def crm_validate(tx, batch):
        asked.append((tx.actor.login, tx.granted("share.all")))
        return []

    module = SimpleNamespace(
        crm_permissions=hookimpl(lambda: [Permission("share.all")]), crm_validate=hookimpl(crm_validate)
    )
    manifest = {"name": "share", "version": "1", "summary": "x", "listens": {"crm_validate": ["product"]}}
    rights = {"product": {"create": True, "read": True}}
    roles = {"head": {**rights, "grants": ["share.all"]}, "hand": rights}
    crm = make_crm(plugins=[Plugin(manifest=manifest, module=module)], roles=roles, database_url=database_url)
    with crm.session() as session:
        for role in ("head", "hand", "admin"):
            session.create("user", {"login": role, "roles": [role]})
    for login in ("head", "hand", "admin"):
        with crm.session(login) as session:
            session.create("product", {"name": login})
    assert asked == [("head", True), ("hand", False), ("admin", True)]


def test_explain_says_which_rule_holds(crm):
    with crm.session() as session:
        boris = crm.actor("boris")
        explained = crm.runtime.access.explain(
            session.connection, boris, "update", "customer", 3, session_of(crm, session, boris).rule_context()
        )
    found = [(grant.source, grant.text, holds) for grant, holds in explained.reasons]
    assert found == [
        ("role sales (read)", "owner = me or team = my_team", True),
        ("role sales", "owner = me", False),
    ]
    assert not explained.allowed
    assert explained.hidden == {"credit_limit"}


def session_of(crm, session, actor):
    from crmcore import Session

    return Session(crm.runtime, session.connection, now=session.now, timezone=session.timezone, actor=actor)


CONDITIONS = st.sampled_from(
    [
        "owner = me",
        "team = my_team",
        "region = 'East'",
        "region in ('West', 'south')",
        "owner is empty",
        "any orders (amount > 100)",
        "parent.owner = me",
        "annual_revenue >= 1000",
        "name contains 'a'",
        "created_at <= now()",
    ]
)


@pytest.fixture
def asked(make_crm, database_url):
    """A CRM whose access rule for customers is the last text in a list, and records for it to choose from."""
    rule = ["owner = me"]

    def crm_access_rules(actor, action, entity):
        yield AccessRule(where=rule[-1])

    manifest = {"name": "rule", "version": "1", "summary": "x", "listens": {"crm_access_rules": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_access_rules=hookimpl(crm_access_rules)))
    crm = office(make_crm(plugins=[plugin], database_url=database_url))
    regions, revenues = (None, "East", "west", "South"), (None, "999.99", "1000")
    with crm.session() as session:
        for number in range(24):
            values = {"owner": (None, 1, 2)[number % 3], "team": (None, 1, 2)[number // 3 % 3]}
            values |= {"region": regions[number % 4], "annual_revenue": revenues[number // 4 % 3]}
            customer = session.create("customer", {"name": f"{'ab'[number % 2]}{number}", "parent": 1, **values})
            if number % 5 == 0:
                order = {"customer": customer.id, "order_date": "2026-01-10", "amount": str(99 + number)}
                session.create("order", order)
    return crm, rule


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=CONDITIONS | st.tuples(CONDITIONS, st.sampled_from([" or ", " and "]), CONDITIONS).map("".join))
def test_what_a_list_shows_is_what_single_reads_and_writes_allow(asked, text):
    crm, rule = asked
    rule.append(text)
    allowed = {"read": set(), "update": set()}
    with crm.session("anna") as session:
        shown = {record.id for record in session.iterate("customer")}
        everything = range(1, 29)
        for id in everything:
            with contextlib.suppress(NotFound):
                allowed["read"].add(session.get("customer", id).id)
            with contextlib.suppress(NotFound):
                allowed["update"].add(session.update("customer", id, {"phone": str(len(rule))}).id)
    assert shown == allowed["read"] == allowed["update"]


# -- attacks ------------------------------------------------------------------------------------------------------


def test_a_key_does_not_fetch_a_record_that_may_not_be_seen(make_crm):
    crm = office(make_crm(roles={"sales": {"customer": {"create": True, "read": "owner = me"}}}))
    for on_match in ("skip", "update", "error", "create"):
        with crm.session("anna") as session:
            if on_match == "create":
                assert session.create("customer", {"name": "boris's"}, on_match=on_match).id != 2
                continue
            with pytest.raises(ValidationError, match="a colleague already has this record"):
                session.create("customer", {"name": "boris's"}, on_match=on_match)
            result = session.save_many("customer", [{"name": "boris's"}], on_match=on_match, on_problem="reject")
            assert result.ids == (None,)
    with crm.session("nobody", read_only=True) as session, pytest.raises(AccessDenied):
        session.create("customer", {"name": "boris's"}, on_match="skip")


def test_a_deleted_record_that_may_not_be_seen_is_not_named(make_crm):
    crm = office(make_crm(roles={"sales": {"customer": {"create": True, "read": "owner = me"}}}))
    with crm.session() as session:
        session.delete("customer", 2)
    with crm.session("anna") as session, pytest.raises(ValidationError) as caught:
        session.create("customer", {"name": "boris's"})
    assert "customer:2" not in str(caught.value)


def test_another_role_that_only_reads_takes_no_write_protection_away(make_crm):
    roles = {"sales": SALES, "viewer": {"customer": {"read": True}}}
    crm = office(make_crm(roles=roles))
    both = Actor(login="anna", id=1, roles=("sales", "viewer"), team=1)
    with crm.session(both) as session:
        for field, value in {"code": "K-9", "credit_limit": "1"}.items():
            with pytest.raises(ValidationError, match="you may not set this field"):
                session.update("customer", 1, {field: value})


def test_fields_are_closed_to_a_role_that_may_create_and_not_read(make_crm):
    rights = {"create": True, "hide": ["email"], "fixed": ["credit_limit"]}
    crm = office(make_crm(roles={"sales": {"customer": rights}}))
    with crm.session("anna") as session:
        for field, value in {"email": "a@b.cn", "credit_limit": "1"}.items():
            with pytest.raises(ValidationError, match="you may not set this field"):
                session.create("customer", {"name": "new", field: value})


def test_a_guess_of_a_hidden_value_is_answered_the_same_right_or_wrong(crm):
    with crm.session() as session:
        session.create("customer", {"kind": "person", "name": "王伟", "email": "wang@example.com"})
        session.update("customer", 1, {"credit_limit": "500"})
    for guess in ("500", "501"):
        with crm.session("anna") as session, pytest.raises(ValidationError, match="you may not set this field"):
            session.update("customer", 1, {"credit_limit": guess})


def test_a_read_only_actor_can_open_no_door(make_crm):
    from crmcore import scoring
    from crmcore.erase import erase

    crm = office(make_crm(enabled=["abc"]))
    reader = Actor(login="root", id=4, roles=("admin",), read_only=True)
    with crm.session(reader) as session:
        (rule,) = scoring.rules(crm.registry, ["class"])
        for attempt in (
            lambda: session.create("customer", {"name": "new"}),
            lambda: session.update("customer", 1, {"region": "x"}),
            lambda: session.delete("customer", 1),
            lambda: erase(session, "customer", 1),
            lambda: scoring.run(session, rule),
        ):
            with pytest.raises(AccessDenied):
                attempt()
    with crm.session(read_only=True) as session:
        assert session.get("customer", 1).version == 1


def test_whoever_may_change_users_cannot_make_themselves_admin(make_crm):
    roles = {"sales": {"*": {"read": True, "update": True, "create": True}}}
    crm = office(make_crm(roles=roles))
    with crm.session("anna") as session:
        assert session.update("user", 1, {"name": "Anna"}).name == "Anna"
        for values in ({"roles": ["admin"]}, {"login": "root2"}, {"active": False}):
            with pytest.raises(ValidationError, match="you may not set this field"):
                session.update("user", 1, values)
        with pytest.raises(ValidationError, match="you may not set this field"):
            session.create("user", {"login": "evil", "roles": ["admin"]})


def test_a_reference_that_stands_in_the_way_is_not_named_to_whoever_may_not_see_it(make_crm):
    crm = office(make_crm(roles={"sales": {"customer": {"read": True, "delete": True}}}))
    with crm.session() as session:
        session.create("order", {"customer": 1, "order_date": "2026-01-10"})
    with crm.session("anna") as session, pytest.raises(ValidationError) as caught:
        session.delete("customer", 1)
    assert "1 order refers to this customer" in str(caught.value)
    assert "order:1" not in str(caught.value)


def test_the_last_administrator_stays(crm):
    with crm.session() as session:
        for attempt in (
            lambda: session.update("user", 4, {"active": False}),
            lambda: session.update("user", 4, {"roles": ["sales"]}),
            lambda: session.delete("user", 4),
        ):
            with pytest.raises(AccessDenied, match="nobody would be left"):
                attempt()
        session.update("user", 1, {"roles": ["admin"]})
        session.update("user", 4, {"active": False})
    assert seen(crm, "anna") == ["anna's", "boris's", "chen's", "free"]


def test_two_administrators_cannot_take_each_others_rights_away_at_once(crm):
    with crm.session() as session:
        session.update("user", 1, {"roles": ["admin"]})

    def annas():
        with contextlib.suppress(CRMError), crm.session("anna") as session:
            session.update("user", 4, {"roles": []})

    thread = Thread(target=annas)
    with crm.session("root") as session:
        session.update("user", 1, {"roles": []})
        thread.start()
        thread.join(0.3)
    thread.join()
    with crm.session(read_only=True) as session:
        assert [list(session.get("user", id).roles or ()) for id in (1, 4)] == [[], ["admin"]]
