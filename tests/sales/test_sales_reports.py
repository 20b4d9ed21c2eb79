"""The reports of sales: the funnel of requirement R21, and what was won, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crmcore.errors import AccessDenied, ValidationError
from crmcore.i18n import speaking
from crmcore.reporting import run_report

R21 = {
    "prospecting": [60, 60, 60, 60, 60],
    "engaging": [60, 60, 60, 60],
    "qualified": [58, 59, 59],
    "proposal": [400, 64],
    "negotiation": [73, 73],
    "contract": [49, 49],
}


@pytest.fixture
def crm(make_crm, database_url):
    return make_crm(enabled=["sales"], database_url=database_url)


def save(crm, *rows, import_id=None):
    with crm.session() as session:
        numbered = [{"code": f"D{n}", **row} for n, row in enumerate(rows)]
        return session.save_many("opportunity", numbered, import_id=import_id).ids


def report(crm, name, actor=None, **parameters):
    with crm.session(*([actor] if actor else [])) as session:
        return run_report(session, name, parameters)


def facts(found):
    return {fact.name: fact.value for fact in found.facts}


def column(found, name):
    index = [column.name for column in found.columns].index(name)
    return [row[index] for row in found.rows]


def test_the_funnel_is_that_of_requirement_r21(crm):
    save(crm, *({"stage": stage, "amount": amount} for stage, amounts in R21.items() for amount in amounts))
    found = report(crm, "sales.funnel")
    assert column(found, "win_rate")[:6] == [0.05, 0.1, 0.2, 0.3, 0.5, 0.8]
    assert column(found, "deals") == [5, 4, 3, 2, 2, 2, 0, 0]
    assert column(found, "amount")[:6] == [300, 240, 176, 464, 146, 98]
    weighted = [Decimal(text) for text in ("15", "24", "35.2", "139.2", "73", "78.4")]
    assert column(found, "weighted") == [*weighted, None, None]
    told = facts(found)
    assert (told["forecast"], told["weighted_open"], told["closed_revenue"]) == (Decimal("364.8"), Decimal("364.8"), 0)
    assert (told["open_deals"], told["open_amount"]) == (18, 1424)


def test_closed_revenue_of_the_period_is_part_of_the_forecast(crm):
    save(
        crm,
        {"stage": "won", "amount": "100", "closed_date": "2026-01-10"},
        {"stage": "won", "amount": "30", "closed_date": "2025-12-31"},
        {"stage": "contract", "amount": "10"},
    )
    assert facts(report(crm, "sales.funnel"))["forecast"] == 108
    both = report(crm, "sales.funnel", **{"from": "2025-12-01", "to": "2026-01-15"})
    assert (facts(both)["closed_revenue"], facts(both)["forecast"]) == (130, 138)
    assert column(both, "deals")[6] == 2
    assert both.titles["en"] == "Sales funnel, 2025-12-01 to 2026-01-15"


def move(crm, crm_clock, *stages):
    """Move the first deal through stages, a day apart."""
    for stage in stages:
        crm_clock.advance(days=1)
        with crm.session() as session:
            session.update("opportunity", 1, {"stage": stage})


def test_progress_is_moves_forward_and_backward_in_the_period(crm, crm_clock):
    save(crm, {"stage": "engaging", "amount": "5"}, {"stage": "engaging"})
    move(crm, crm_clock, "proposal", "qualified", "contract", "lost", "proposal", "won")  # 16 to 21 January
    with crm.session() as session:
        session.update("opportunity", 2, {"stage": "lost"})
    found = report(crm, "sales.funnel")
    told = facts(found)
    # engaging > proposal, qualified > contract, proposal > won; proposal > qualified and lost > proposal go back.
    assert (told["moves_forward"], told["moves_backward"], told["moves_lost"]) == (3, 2, 2)
    stages = ["Prospecting", "Engaging", "Qualified", "Proposal", "Negotiation", "Contract", "Won", "Lost"]
    assert column(found, "stage") == stages
    assert column(found, "moved_in") == [0, 0, 1, 2, 0, 1, 1, 2]
    assert column(found, "moved_on") == [0, 1, 1, 1, 0, 0, None, None]
    assert column(found, "conversion") == [None, 0.5, 1.0, 0.5, None, 0.0, None, None]
    earlier = report(crm, "sales.funnel", to="2026-01-17")
    assert (facts(earlier)["moves_forward"], facts(earlier)["moves_backward"]) == (1, 1)


def test_median_ages_are_those_of_open_stages(crm):
    save(crm, {"start_date": "2026-01-05"}, {"start_date": "2026-01-12"}, {"stage": "lost"})
    assert column(report(crm, "sales.funnel"), "median_days") == [6.5, *[None] * 7]


def test_sales_outside_the_funnel_are_orders_without_an_opportunity(crm):
    save(crm, {"amount": "1"})
    orders = [
        {"amount": "10", "order_date": "2026-01-02"},
        {"amount": "20", "order_date": "2026-01-15"},
        {"amount": "40", "order_date": "2026-01-03", "opportunity": 1},
        {"amount": "80", "order_date": "2026-01-03", "status": "cancelled"},
        {"amount": "160", "order_date": "2025-12-31"},
        {"order_date": "2026-01-04"},
    ]
    with crm.session() as session:
        customer = session.create("customer", {"name": "Acme"}).id
        session.save_many("order", [{"customer": customer, **order} for order in orders])
    told = facts(report(crm, "sales.funnel"))
    assert (told["orders_outside"], told["sales_outside"]) == (3, 30)


def test_deals_without_amount_are_counted_and_named(crm):
    save(crm, {}, {"amount": "4"}, {"stage": "lost"}, import_id=1)
    found = report(crm, "sales.funnel")
    assert facts(found)["without_amount"] == 1
    assert "1 open deal has no amount and counts with 0." in found.notes
    assert "1 closed deal has no day of closing and is in no period." in found.notes


def test_an_owner_is_asked_for_by_login(crm, crm_clock):
    with crm.session() as session:
        for login in ("anna", "bert"):
            session.create("user", {"login": login})
        customer = session.create("customer", {"name": "Acme"}).id
        session.create("order", {"customer": customer, "order_date": "2026-01-02", "amount": 7, "owner": 2})
    save(crm, {"amount": "10", "owner": 1}, {"amount": "20", "owner": 2})
    move(crm, crm_clock, "engaging")
    told = facts(report(crm, "sales.funnel", owner="Anna"))
    assert (told["open_amount"], told["moves_forward"], told["sales_outside"]) == (10, 1, 0)
    told = facts(report(crm, "sales.funnel", owner="bert"))
    assert (told["open_amount"], told["moves_forward"], told["sales_outside"]) == (20, 0, 7)


def test_a_report_counts_what_its_reader_may_see(make_crm, database_url):
    roles = {
        "rep": {"opportunity": {"read": "owner = me"}},
        "clerk": {"opportunity": {"read": True, "hide": ["amount"]}},
    }
    crm = make_crm(enabled=["sales"], database_url=database_url, roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["rep"]})
        session.create("user", {"login": "carl", "roles": ["clerk"]})
        customer = session.create("customer", {"name": "Acme"}).id
        session.create("order", {"customer": customer, "order_date": "2026-01-02", "amount": 7})
    save(crm, {"stage": "won", "amount": "10", "owner": 1}, {"stage": "won", "amount": "20"})
    told = facts(report(crm, "sales.funnel", "anna", owner="anna"))
    assert (told["closed_revenue"], told["orders_outside"]) == (10, 0)
    assert facts(report(crm, "sales.won", "anna"))["amount"] == 10
    for name in ("sales.funnel", "sales.won"):
        with pytest.raises(AccessDenied, match="amount"):
            report(crm, name, "carl")


def test_titles_and_stages_are_chinese_where_chinese_is_spoken(crm):
    with speaking("zh-CN"):
        found = report(crm, "sales.funnel")
    assert column(found, "stage")[0] == "初步接触"
    for titled in (*found.columns, *found.facts, *found.charts, *report(crm, "sales.won").columns):
        assert {"en", "zh-CN"} <= {*titled.titles}, titled


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("sales.funnel", {"owner": "nobody"}, "there is no user 'nobody'"),
        ("sales.funnel", {"from": "2026-02-01", "to": "2026-01-01"}, "ends before it begins"),
        ("sales.funnel", {"from": "soon"}, "date"),
        ("sales.funnel", {"pipeline": "leads"}, "opportunity"),
        ("sales.won", {"by": "region"}, "owner"),
        ("sales.won", {"period": "week"}, "quarter"),
        ("sales.won", {"from": "2026-02-01", "to": "2026-01-01"}, "ends before it begins"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(make_crm, name, parameters, said):
    with pytest.raises(ValidationError, match=said):
        report(make_crm(enabled=["sales"]), name, **parameters)


@pytest.fixture
def won(crm):
    """Deals won in 2025 and 2026 by two people of one team and nobody."""
    with crm.session() as session:
        east = session.create("team", {"name": "East"}).id
        for login, name, team in (("anna", "Anna", east), ("bert", None, east), ("carl", "Carl", None)):
            session.create("user", {"login": login, "name": name, "team": team})
        session.create("customer", {"name": "Acme"})
        session.create("product", {"name": "Lathe"})
    save(
        crm,
        {"stage": "won", "amount": "100", "owner": 1, "closed_date": "2025-03-31", "customer": 1, "product": 1},
        {"stage": "won", "amount": "10", "owner": 2, "closed_date": "2025-04-01"},
        {"stage": "won", "amount": "20", "owner": 1, "closed_date": "2025-06-30", "product": 1},
        {"stage": "won", "amount": "0.5", "owner": 3, "closed_date": "2026-01-02"},
        {"stage": "won", "amount": "0.25", "closed_date": "2026-01-03"},
        {"stage": "won", "amount": "7"},
        {"stage": "lost", "amount": "9", "owner": 1, "closed_date": "2025-04-01"},
        {"stage": "contract", "amount": "9", "owner": 1},
        import_id=1,
    )
    return crm


def amounts(found):
    return [(period, name, deals, amount) for period, name, deals, amount in found.rows]


def test_won_amounts_by_quarter_and_owner(won):
    found = report(won, "sales.won")
    assert amounts(found) == [
        ("2025-Q1", "Anna", 1, 100),
        ("2025-Q2", "Anna", 1, 20),
        ("2025-Q2", "bert", 1, 10),
        ("2026-Q1", "Carl", 1, Decimal("0.5")),
        ("2026-Q1", None, 1, Decimal("0.25")),
    ]
    assert facts(found) == {"amount": Decimal("130.75"), "deals": 5, "average": Decimal("26.15")}
    assert "1 won deal has no day of closing and is in no period." in found.notes


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [
        ({"by": "team", "period": "year"}, [("2025", "East", 3, 130), ("2026", None, 2, Decimal("0.75"))]),
        (
            {"by": "product", "period": "year", "to": "2025-12-31"},
            [("2025", "Lathe", 2, 120), ("2025", None, 1, 10)],
        ),
        ({"by": "customer", "period": "month", "to": "2025-03-31"}, [("2025-03", "Acme", 1, 100)]),
        ({"by": "owner", "period": "month", "from": "2026-01-03"}, [("2026-01", None, 1, Decimal("0.25"))]),
    ],
)
def test_won_amounts_by_other_things(won, parameters, rows):
    assert amounts(report(won, "sales.won", **parameters)) == rows


def test_a_pipeline_without_the_field_that_is_asked_for_is_refused(make_crm):
    stages = [{"name": "potential"}]
    field = {"entity": "order", "field": "payment_status"}
    stages = [{"name": name} for name in ("unpaid", "partly_paid")]
    stages += [{"name": "paid", "kind": "won"}, {"name": "refunded", "kind": "lost"}]
    crm = make_crm(enabled=["sales"], settings={"sales": {"pipelines": {"payment": {**field, "stages": stages}}}})
    with pytest.raises(ValidationError, match="order has no field 'product'"):
        report(crm, "sales.won", pipeline="payment", by="product")
    assert report(crm, "sales.won", pipeline="payment", by="customer").rows == ()
    assert "sales_outside" not in facts(report(crm, "sales.funnel", pipeline="payment"))
