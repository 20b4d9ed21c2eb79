"""Whatever a core entity's records hold, an export of them imported again changes nothing, in every format."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmcore import Config, load
from crmcore.exporting import export_file
from crmcore.importing import import_file
from crmcore.schema.model import Kind

ENTITIES = load(Config()).entities
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    [
        "=1+1",
        "'=x",
        "-5",
        "+86 138",
        "007",
        "1e5",
        "TRUE",
        "null",
        "2026-01-02",
        "a,b;c",
        'say "x"',
        "a\nb",
        "\t|",
        "50%",
    ]
)
WRITTEN = {
    Kind.INTEGER: st.integers(0, 10**6),
    Kind.NUMBER: st.floats(0, 1e9, allow_nan=False),
    Kind.BOOLEAN: st.booleans(),
    Kind.MONEY: st.decimals(Decimal(-(10**9)), Decimal(10**9), places=4),
    Kind.DATE: st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    Kind.INSTANT: st.integers(-(10**9), 4 * 10**9).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)),
    Kind.REF: st.just(1),
    Kind.ANY_REF: st.just("customer:1"),
    Kind.JSON: st.lists(TEXTS, max_size=3, unique=True),
}


def records(entity):
    """Return rows of random values; some are no records."""
    open_fields = [one for one in ENTITIES[entity].fields.values() if not (one.readonly or one.computed_by)]
    values = {one.name: st.sampled_from(one.enum) if one.enum else WRITTEN.get(one.kind, TEXTS) for one in open_fields}
    needed = {name: values.pop(name) for name in ENTITIES[entity].schema.get("required", ()) if name in values}
    return st.lists(st.fixed_dictionaries(needed, optional=values), min_size=1, max_size=5)


@pytest.fixture
def crm(make_crm):
    crm = make_crm(enabled=["tabular"], timezone="Asia/Shanghai")
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.create("user", {"login": "ann", "name": "Ann"})
        session.create("team", {"name": "East"})
        session.create("product", {"name": "GTX"})
        session.create("contact", {"name": "Li", "customer": 1})
        session.create("opportunity", {"name": "Deal", "customer": 1, "stage": "engaging"})
        session.create("order", {"number": "S1", "customer": 1, "order_date": "2026-01-05"})
    return crm


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl"])
@pytest.mark.parametrize("entity", [name for name, one in ENTITIES.items() if not one.internal])
def test_random_records_come_back_as_they_were(crm, tmp_path, entity, suffix):
    @settings(max_examples=3, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(records(entity))
    def comes_back(rows):
        with crm.session() as session:
            session.save_many(entity, rows, on_problem="reject", on_match="create")
        path = tmp_path / f"out.{suffix}"
        with crm.session(read_only=True) as session:
            written = export_file(session, entity, path, replace=True).records
        if written:  # a JSON Lines file without records is an empty file
            result = import_file(crm, path, entity)
            assert (result.problems, result.outcomes) == ((), {"unchanged": written})

    comes_back()
