"""The second write door: set-based, with history, versions untouched, and nothing written where nothing differs."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from sqlalchemy import case, literal, literal_column, select, union_all

from crmcore import hookimpl
from crmcore.errors import UsageError, ValidationError
from crmcore.schema.model import Kind
from crmcore.store.columns import COLUMN_TYPES
from crmcore.types import Plugin

EXTENSION = {
    "$schema": "urn:crmcore:extension:1",
    "properties": {
        "grade": {
            "type": "string",
            "enum": ["H", "C"],
            "x-crm": {
                "computed_by": "grade",
                "titles": {"en": "Grade", "zh-CN": "级别"},
                "values": {"H": {"en": "H", "zh-CN": "H"}, "C": {"en": "C", "zh-CN": "C"}},
            },
        },
        "limit_offer": {
            "type": "string",
            "x-crm": {"computed_by": "grade", "money": True, "titles": {"en": "Offer", "zh-CN": "额度"}},
        },
    },
}


COMPUTED = {
    "next_call": {"type": "string", "format": "date"},
    "seen": {"type": "string", "format": "date-time"},
    "loyal": {"type": "boolean"},
    "share": {"type": "number"},
    "visits": {"type": "integer"},
    "memo": {"type": "string", "maxLength": 10},
    "hints": {"type": "array", "items": {"type": "string"}},
}


def grading(**hooks):
    manifest = {
        "name": "grade",
        "version": "1.0",
        "summary": "Grades customers.",
        "listens": {hook: ["customer"] for hook in hooks},
    }
    module = SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})
    return Plugin(manifest=manifest, module=module, schemas={"customer.extend.json": EXTENSION})


@pytest.fixture
def crm(make_crm, database_url):
    crm = make_crm(plugins=[grading()], database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": f"C{n}", "annual_revenue": str(n)} for n in range(1, 5)])
    return crm


def grades(session):
    customer = session.table("customer")
    grade = case((customer.c.annual_revenue >= 3, "H"), else_="C")
    return select(customer.c.id, grade.label("grade"), customer.c.annual_revenue.label("limit_offer"))


def test_computed_fields_are_written_where_they_differ_and_versions_stay(crm):
    with crm.session() as session:
        assert session.write_computed("customer", ["grade", "limit_offer"], grades(session)) == 4
        found = [(c.grade, str(c.limit_offer), c.version) for c in session.find("customer")]
    assert found == [("C", "1.0000", 1), ("C", "2.0000", 1), ("H", "3.0000", 1), ("H", "4.0000", 1)]


def test_a_second_run_writes_nothing(crm):
    with crm.session() as session:
        session.write_computed("customer", ["grade", "limit_offer"], grades(session))
    with crm.session() as session:
        assert session.write_computed("customer", ["grade", "limit_offer"], grades(session)) == 0
        assert len(session.history("customer", 1)) == 1


def test_history_has_the_old_values_of_what_changed_and_who_ran_the_rule(crm):
    with crm.session() as session:
        session.write_computed("customer", ["grade", "limit_offer"], grades(session))
        session.update("customer", 2, {"annual_revenue": "5.25"})
    with crm.session(source="score") as session:
        assert session.write_computed("customer", ["grade", "limit_offer"], grades(session)) == 1
        entry = session.history("customer", 2)[0]
    assert (entry.action, entry.actor, entry.source, entry.old) == (
        "computed",
        "system",
        "score",
        {"grade": "C", "limit_offer": "2.00"},
    )


def test_deleted_records_are_left_alone(crm):
    with crm.session() as session:
        session.delete("customer", 4)
        assert session.write_computed("customer", ["grade", "limit_offer"], grades(session)) == 3


def test_each_field_belongs_to_one_door(crm):
    with crm.session() as session:
        with pytest.raises(UsageError, match=r"customer\.region is not a computed field"):
            session.write_computed("customer", ["region"], grades(session))
        with pytest.raises(ValidationError, match="grade computes this field"):
            session.create("customer", {"name": "Acme", "grade": "H"})
        with pytest.raises(ValidationError, match="grade computes this field"):
            session.update("customer", 1, {"grade": "H"})


def test_plugins_are_told_in_batches_with_values_before_and_after(make_crm, database_url):
    told = []

    def crm_computed(tx, batch):
        for change in batch:
            told.append((batch.action, change.id, change.before["grade"], change.after["grade"], change.changed))

    crm = make_crm(plugins=[grading(crm_computed=crm_computed)], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "annual_revenue": "9"})
        session.write_computed("customer", ["grade", "limit_offer"], grades(session))
    assert told == [("computed", 1, None, "H", {"grade", "limit_offer"})]


def test_a_plugin_that_fails_takes_the_run_back(make_crm, database_url):
    def crm_computed(tx, batch):
        raise RuntimeError("no")

    crm = make_crm(plugins=[grading(crm_computed=crm_computed)], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "annual_revenue": "9"})
        with pytest.raises(Exception, match=r"grade 1\.0 failed in crm_computed"):
            session.write_computed("customer", ["grade", "limit_offer"], grades(session))
        assert session.get("customer", 1).grade is None
        assert session.history("customer", 1) == []


def test_a_label_that_the_field_does_not_have_is_refused(crm):
    with crm.session() as session:
        customer = session.table("customer")
        wrong = select(customer.c.id, case((customer.c.id > 0, "Z")).label("grade"))
        with pytest.raises(UsageError, match=r"'Z' is not among the values of customer\.grade"):
            session.write_computed("customer", ["grade"], wrong)
        with pytest.raises(UsageError, match="no column limit_offer"):
            session.write_computed("customer", ["grade", "limit_offer"], wrong)
        assert session.get("customer", 1).grade is None


def test_a_hook_that_is_told_of_labels_may_compute_others(make_crm, database_url):
    def crm_computed(tx, batch):
        customer = tx.table("customer")
        offers = select(customer.c.id, customer.c.annual_revenue.label("limit_offer"))
        tx.write_computed("customer", ["limit_offer"], offers)

    crm = make_crm(plugins=[grading(crm_computed=crm_computed)], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "annual_revenue": "9"})
        customer = session.table("customer")
        session.write_computed("customer", ["grade"], select(customer.c.id, literal("H").label("grade")))
        assert str(session.get("customer", 1).limit_offer) == "9.0000"


def test_a_select_that_gives_a_record_twice_is_refused(crm):
    with crm.session() as session:
        twice = union_all(grades(session), grades(session)).subquery()
        with pytest.raises(UsageError, match=r"customer\.grade gives a record more than once"):
            session.write_computed("customer", ["grade"], select(twice))
        assert {customer.grade for customer in session.find("customer")} == {None}


def test_what_is_no_number_is_refused_before_it_is_in_a_column_of_numbers(make_crm):
    crm = make_crm(plugins=[grading()])  # on SQLite, whose columns take any value
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        customer = session.table("customer")
        with pytest.raises(UsageError, match=r"'Acme' is not among the values of customer\.limit_offer"):
            session.write_computed(
                "customer", ["limit_offer"], select(customer.c.id, customer.c.name.label("limit_offer"))
            )
        assert session.get("customer", 1).limit_offer is None


def computing(make_crm, database_url=None):
    """Return a CRM with a customer and a computed field of each kind."""
    fields = {name: {**field, "x-crm": {"computed_by": "grade"}} for name, field in COMPUTED.items()}
    extension = {"$schema": "urn:crmcore:extension:1", "properties": fields}
    manifest = {"name": "grade", "version": "1.0", "summary": "x"}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(), schemas={"customer.extend.json": extension})
    crm = make_crm(plugins=[plugin], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    return crm


def compute(crm, field, value):
    with crm.session() as session:
        customer = session.table("customer")
        session.write_computed("customer", [field], select(customer.c.id, value.label(field)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("next_call", "2026-01-31 00:00:00"),
        ("next_call", "2026-02-30"),
        ("next_call", "soon"),
        ("seen", "2026-01-31"),
        ("seen", "2026-01-31 08:00:00"),
        ("seen", "2026-01-31 25:00:00.000000"),
        ("seen", "2026-02-30 08:00:00.000000"),
        ("seen", 1769846400),
        ("loyal", 7),
        ("loyal", "yes"),
        ("share", "a half"),
        ("visits", 1.5),
        ("hints", "vip"),
    ],
)
def test_what_could_not_be_read_again_is_refused(make_crm, field, value):
    crm = computing(make_crm)  # on SQLite, whose columns take any value
    with pytest.raises(UsageError, match=rf"'{value}' is not among the values of customer\.{field}"):
        compute(crm, field, literal_column(repr(value)))


def test_a_number_that_json_cannot_hold_is_refused(make_crm, database_url):
    crm = computing(make_crm, database_url)
    with pytest.raises(UsageError, match=r"is not among the values of customer\.share"):
        compute(crm, "share", literal(float("inf")))


def test_values_of_every_kind_are_computed_and_read(make_crm, database_url):
    crm = computing(make_crm, database_url)
    day, instant = dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 8, tzinfo=dt.UTC)
    values = {
        "next_call": literal(day, COLUMN_TYPES[Kind.DATE]),
        "seen": literal(instant, COLUMN_TYPES[Kind.INSTANT]),
        "loyal": literal(True),
        "share": literal(1.7e308, COLUMN_TYPES[Kind.NUMBER]),
        "visits": literal(-3),
        "memo": literal("拜访"),
        "hints": literal(["vip"], COLUMN_TYPES[Kind.JSON]),
    }
    for field, value in values.items():
        compute(crm, field, value)
    with crm.session() as session:
        read = session.update("customer", 1, {"name": "B"})
        assert [getattr(read, field) for field in values] == [day, instant, True, 1.7e308, -3, "拜访", ["vip"]]
