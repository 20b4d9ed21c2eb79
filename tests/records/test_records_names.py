"""What people call records, whose they are, and who a login is: for plugins that show and filter."""

from __future__ import annotations

import pytest

from crmcore.types import Ref


@pytest.fixture
def crm(make_crm, database_url):
    roles = {
        "sales": {"customer": {"read": "owner = me"}},
        "clerk": {"customer": {"read": True, "hide": ["name"]}, "user": {"read": True}},
    }
    crm = make_crm(roles=roles, database_url=database_url)
    with crm.session() as session:
        for login, role in (("ａnna", "sales"), ("bo", "clerk")):
            session.create("user", {"login": login, "roles": [role]})
        session.create("customer", {"name": "佛山企业电子", "code": "K1", "owner": 1})
        session.create("customer", {"name": "Acme"})
    return crm


def test_a_record_is_called_by_its_display_field_or_else_by_a_key(crm):
    refs = [Ref("customer", 1), Ref("customer", 2), Ref("user", 1), Ref("user", 99), Ref("gone", 1)]
    with crm.session(read_only=True) as session:
        assert session.names(refs) == {refs[0]: "佛山企业电子", refs[1]: "Acme", refs[2]: "ａnna"}


def test_names_are_those_that_the_actor_may_read(crm):
    refs = [Ref("customer", 1), Ref("customer", 2)]
    with crm.session("anna", read_only=True) as session:
        assert session.names(refs) == {refs[0]: "佛山企业电子"}
    with crm.session("bo", read_only=True) as session:
        assert session.names(refs) == {refs[0]: "K1"}


def test_a_login_is_understood_as_at_the_door(crm):
    with crm.session("bo", read_only=True) as session:
        assert [session.user_id(login) for login in (" ANNA ", "ａnna", "Bo", "nobody")] == [1, 1, 2, None]


def test_who_sees_no_users_finds_only_themselves(crm):
    with crm.session("anna", read_only=True) as session:
        assert (session.user_id("Anna"), session.user_id("bo")) == (1, None)


def test_the_schema_says_whose_a_record_is(crm):
    with crm.session(read_only=True) as session:
        assert (session.owner_field("customer"), session.owner_field("user")) == ("owner", None)
