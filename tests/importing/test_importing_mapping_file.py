"""Mapping files: what they declare, all that is wrong with them at once, and plans written down as such files."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore import Config, load
from crmcore.errors import ConfigError
from crmcore.importing.plan import as_mapping_file, make_plan, read_mapping_file, settle
from crmcore.types import SourceRow

ENTITIES = load(Config()).entities
PIPELINE = ("opportunity_id", "sales_agent", "product", "account", "deal_stage", "close_date", "close_value")
LINES = ("Order ID", "Customer ID", "Customer Name", "Product ID", "Product", "Sales", "Quantity", "Row ID", "Date")


@pytest.fixture
def written(tmp_path):
    def written(text, name="mapping.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_mapping_file(path)

    return written


@pytest.fixture
def plan(written):
    def plan(text, *headers, entity="opportunity", currency="CNY"):
        return make_plan(ENTITIES[entity], ENTITIES, headers, written(text), currency=currency, timezone=dt.UTC)

    return plan


@pytest.fixture
def problems(plan):
    def problems(text, *headers, entity="opportunity"):
        with pytest.raises(ConfigError) as caught:
            plan(text, *headers, entity=entity)
        return [(problem.line, problem.pointer, problem.message, problem.hint) for problem in caught.value.problems]

    return problems


def targets(plan):
    return {column.header: column.target for column in plan.columns}


def test_a_mapping_file_says_what_columns_mean_and_the_rest_is_unknown(plan):
    found = plan(
        """
        entity = "opportunity"
        [columns]
        opportunity_id = "code"
        "Deal Stage" = "stage"
        sales_agent = false
        """,
        *PIPELINE,
    )
    assert targets(found) == {"opportunity_id": "code", "deal_stage": "stage"}
    assert found.left_out == ("sales_agent",)
    assert found.unknown == ("product", "account", "close_date", "close_value")


def test_headers_that_differ_in_marks_only_are_told_apart(plan):
    found = plan('[columns]\n"A-" = "code"\n"A+" = "name"\n"%" = "notes"', "A+", "A-", "#", "%")
    assert targets(found) == {"A+": "name", "A-": "code", "%": "notes"}
    assert found.unknown == ("#",)


def test_options_of_the_reader_and_the_entity_are_known_before_the_headers(written):
    found = written('entity = "order"\n[file]\nencoding = "gb18030"\nsheet = 2\n[columns]\nx = 5\n')
    assert (found.entity, found.options) == ("order", {"encoding": "gb18030", "sheet": 2})
    assert [problem.pointer for problem in found.problems] == ["columns.x"]
    assert (written("").entity, written("").options) == (None, {})


def test_cells_are_read_as_the_file_declares(plan):
    found = plan(
        """
        [columns]
        opportunity_id = { field = "code", as = "upper" }
        sales_agent = ["competitor", { field = "owner.login", as = "login" }]
        product = { field = "product", values = { GTXPro = "GTX Pro" } }
        deal_stage = { field = "stage", values = { "In talks" = "engaging", "Unklar" = "" } }
        close_date = { field = "closed_date", format = "dd-mm-yyyy" }
        close_value = { field = "amount", scale = 1000, decimal = ",", round = 0 }
        """,
        *PIPELINE,
    )
    cells = {
        "opportunity_id": "1c1",
        "sales_agent": "Moses Frase",
        "product": "gtxpro",
        "deal_stage": "in TALKS",
        "close_date": "01-03-2017",
        "close_value": "1.054,0505",
    }
    row = found.read(cells)
    assert row.values == {
        "code": "1C1",
        "competitor": "Moses Frase",
        "owner": {"login": "moses.frase"},
        "product": "GTX Pro",
        "stage": "engaging",
        "closed_date": dt.date(2017, 3, 1),
        "amount": Decimal(1054051),
    }
    assert row.cleaned == [("product", "gtxpro", "GTX Pro"), ("deal_stage", "in TALKS", "engaging")]
    other = found.read({"deal_stage": "Unklar", "product": "GTX Pro"})
    assert (other.values, other.cleaned) == ({"product": "GTX Pro"}, [("deal_stage", "Unklar", "")])


def test_amounts_in_another_currency_are_converted_or_declared_to_be_ours(plan):
    dollars = plan('[columns]\nclose_value = { field = "amount", currency = "USD", rate = 7.1 }', *PIPELINE)
    assert dollars.read({"close_value": "$1,054"}).values == {"amount": Decimal("7483.4")}
    ours = plan('[columns]\nclose_value = { field = "amount", currency = "CNY" }', *PIPELINE)
    assert ours.read({"close_value": "$1,054"}).values == {"amount": Decimal(1054)}


def test_fields_that_no_column_gives_are_filled_with_values_and_texts(plan):
    found = plan(
        """
        [columns]
        opportunity_id = "code"
        product = { field = "product", values = { GTXPro = "GTX Pro" } }
        account = "customer.name"
        [fill]
        name = "{Account} {product}"
        key_project = true
        start_date = 2026-01-05
        amount = 1.5
        "customer.kind" = "组织"
        "owner.login" = "anna"
        """.replace("组织", "organisation"),
        *PIPELINE,
    )
    fixed = {
        "key_project": True,
        "start_date": dt.date(2026, 1, 5),
        "amount": Decimal("1.5"),
        "owner": {"login": "anna"},
    }
    assert found.read({"opportunity_id": "1", "product": "GTXPro", "account": "Acme"}).values == {
        "code": "1",
        "name": "Acme GTX Pro",
        "product": "GTX Pro",
        "customer": {"name": "Acme", "kind": "organisation"},
        **fixed,
    }
    assert found.read({"product": "MG"}).values == {"name": "MG", "product": "MG", **fixed}
    assert found.read({"opportunity_id": "1"}).values == {"code": "1", **fixed}


def test_a_column_may_fill_a_field_where_another_leaves_it_empty(plan):
    found = plan(
        """
        [columns]
        opportunity_id = "code"
        product = ["product", { field = "amount", values = { "GTX Pro" = "4821" }, if_empty = true }]
        close_value = "amount"
        """,
        *PIPELINE,
    )
    won, opened = {"product": "GTX Pro", "close_value": "4514"}, {"product": "GTX Pro", "close_value": ""}
    assert found.read(won).values == {"product": "GTX Pro", "amount": Decimal(4514)}
    assert found.read(won).cleaned == []
    assert found.read(opened).values == {"product": "GTX Pro", "amount": Decimal(4821)}
    assert found.read(opened).cleaned == [("product", "GTX Pro", "4821")]


def test_rows_are_left_out_on_purpose(plan):
    found = plan(
        '[columns]\naccount = "customer"\n[skip]\nwhen = { opportunity_id = ["", "Total"], product = "n/a" }', *PIPELINE
    )
    skipped = [{"opportunity_id": None}, {"opportunity_id": " TOTAL "}, {"opportunity_id": "1", "product": "N/A"}, {}]
    assert [found.read(cells).skipped for cells in skipped] == [True] * 4
    assert not found.read({"opportunity_id": "1", "product": None}).skipped
    assert "opportunity_id" not in found.unknown


LINES_FILE = """
entity = "order"
[columns]
"Order ID" = "number"
"Customer ID" = "customer.code"
"Customer Name" = "customer.name"
"Product ID" = "order_lines.product.code"
Product = "order_lines.product.name"
Sales = "order_lines.amount"
Date = { field = "order_date", format = "mm/dd/yyyy" }
"Row ID" = false
[totals]
amount = "order_lines.amount"
"""


def test_rows_can_be_declared_to_be_lines(plan):
    found = plan(LINES_FILE, *LINES, entity="order")
    assert (found.lines.name, found.totals) == ("order_lines", {"amount": ("order_lines", "amount")})
    assert found.read({"Order ID": "S1", "Sales": "5", "Product": "Desk", "Date": "1/13/2026"}).values == {
        "number": "S1",
        "order_date": dt.date(2026, 1, 13),
        "order_lines": {"product": {"name": "Desk"}, "amount": Decimal(5)},
    }


def test_a_file_that_is_no_toml_or_is_not_there_says_so(written, tmp_path):
    with pytest.raises(ConfigError, match=r"mapping\.toml:2:\d+: is not TOML"):
        written("[columns]\na = = 1")
    with pytest.raises(ConfigError, match=r"there is no such file .*crmcore import mapping"):
        read_mapping_file(tmp_path / "none.toml")


def test_everything_that_is_wrong_is_reported_at_once_with_its_line(problems):
    found = problems(
        """entity = "order"
[columns]
oportunity_id = "code"
deal_stage = { feild = "stage" }
product = "prduct"
account = { field = "customer", format = "dd/mm/yyyy" }
close_date = { field = "closed_date", format = "dd-mm" }
[fill]
name = "{acount}"
stage = "Wonn"
[skip]
when = { Totl = [""] }
colums = 5
""",
        *PIPELINE,
    )
    assert [line for line, *_rest in found] == [1, 3, 4, 4, 5, 6, 7, 9, 10, 12, 13]
    said = {pointer: (message, hint) for _line, pointer, message, hint in found}
    assert said["entity"][0] == "this mapping is for order, not for opportunity"
    assert said["columns.oportunity_id"] == ("the file has no column `oportunity_id`", "Did you mean `opportunity_id`?")
    assert said["columns.deal_stage.feild"] == ("unknown key `feild`", "Did you mean `field`?")
    assert said["columns.product"] == ("opportunity has no field prduct", "Did you mean `product`?")
    assert said["columns.account.format"][0] == "`format` says nothing about customer, which is ref"
    assert said["columns.close_date.format"][0].startswith('"dd-mm" is no format of dates')
    assert said["fill.name"] == ("the file has no column `acount`", "Did you mean `account`?")
    assert 'found "Wonn"' in said["fill.stage"][0]
    assert said["skip.when.Totl"][0] == "the file has no column `Totl`"
    assert said["skip.colums"][0] == "unknown key `colums`"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ('account = "customer"\nACCOUNT = "name"', "column `account` is there twice"),
        ('account = "customer"\nproduct = "customer.name"', "customer is filled by `account` already"),
        ('account = "name"\nproduct = ["notes", "name"]', "name is filled by `account` already"),
        ('account = "code.name"', "code of opportunity refers to no record"),
        ('account = "owner.team.name"', "a column fills fields of the record that owner refers to, and none beyond it"),
        ('account = "owner.nme"', "user has no field nme"),
        ('account = "created_at"', "nobody may fill in created_at of opportunity"),
        ('account = "activities_by_x.name"', "opportunity has no field activities_by_x"),
        ('account = "orders.number"', "orders do not belong to one opportunity each, so that rows cannot be theirs"),
        (
            'account = "opportunity_contacts.opportunity"',
            "opportunity of opportunity_contacts is the record of the row itself",
        ),
        ('account = { field = "name", scale = 2 }', "`scale` says nothing about name, which is text"),
        ('account = { field = "amount", as = "lower" }', "`as` says nothing about amount, which is money"),
        ('account = { field = "amount", currency = "USD" }', "amounts in USD need a `rate` beside it, to be in CNY"),
        (
            'account = { field = "amount", currency = "CNY", rate = 2 }',
            "CNY is the currency of the instance and needs no rate",
        ),
        (
            'account = { field = "stage", values = { X = "wn" } }',
            (
                '"stage" must be one of: prospecting, engaging, qualified, proposal, negotiation, contract, won, lost; '
                'found "wn"'
            ),
        ),
        (
            'account = "opportunity_contacts.role"',
            "rows are opportunity_contacts of one opportunity, so that a column has to say which one: code",
        ),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(problems, columns, message):
    assert [said for _line, _pointer, said, _hint in problems(f"[columns]\n{columns}\n", *PIPELINE)] == [message]


@pytest.mark.parametrize(
    ("totals", "message"),
    [
        ('paid_amount = "order_lines.cost"', "no column fills order_lines.cost"),
        (
            'paid_amount = "order_lines.product.code"',
            "order_lines.product.code is no field of lines of the record, such as order_lines.amount",
        ),
        ('paid_amount = "number"', "number is no field of lines of the record, such as order_lines.amount"),
        (
            'exchange_rate = "order_lines.amount"',
            (
                "exchange_rate cannot be the sum of order_lines.amount: both are amounts, or both are numbers of the "
                "same kind"
            ),
        ),
        ('number = "order_lines.amount"', "number is filled by `Order ID` already"),
        ('nothing = "order_lines.amount"', "order has no field nothing"),
        ('paid_amount = "order_lines.nothing"', "order_line has no field nothing"),
    ],
)
def test_a_total_that_cannot_be_summed_is_refused(problems, totals, message):
    found = problems(f"{LINES_FILE}{totals}\n", *LINES, entity="order")
    assert [said for _line, _pointer, said, _hint in found] == [message]


def test_a_plan_is_written_down_as_a_mapping_file_that_says_what_is_undecided(plan):
    found = make_plan(
        ENTITIES["order"],
        ENTITIES,
        ("Order ID", "Customer", "order date", "Sales", "Quantity", "Fax", "Kunde", "version"),
        currency="CNY",
        timezone=dt.UTC,
    )
    settled = settle(found, [SourceRow(2, {"order date": "13/1/2026"})])
    assert as_mapping_file(settled, {"encoding": "gb18030"}) == (
        """entity = "order"

[file]
encoding = "gb18030"

[columns]
"Order ID" = "number"
Customer = "customer"
"order date" = { field = "order_date", format = "dd/mm/yyyy" }
Sales = "order_lines.amount"
Quantity = "order_lines.quantity"
version = false
# Columns that nothing is taken from. Give each a field, or false to leave it out on purpose.
# Fax = false
# Kunde = false

[totals]
amount = "order_lines.amount"
"""
    )


@pytest.mark.parametrize(
    ("text", "headers", "entity"),
    [
        (LINES_FILE, LINES, "order"),
        (
            """
            [columns]
            opportunity_id = ["code", { field = "notes", as = "upper", values = { "\\"" = "c", "\\u007f" = "x"} }]
            account = "customer.name"
            close_value = { field = "amount", scale = 1000.5, decimal = ",", currency = "USD", rate = 7.1, round = 2 }
            close_date = { field = "closed_date", format = "%d.%m.%Y" }
            product = { field = "amount", if_empty = true }
            [fill]
            name = "{account}"
            key_project = true
            "customer.kind" = "organisation"
            [skip]
            when = { opportunity_id = ["", "Total"], account = "x" }
            """,
            PIPELINE,
            "opportunity",
        ),
    ],
)
def test_a_plan_written_down_and_read_again_is_the_same_plan(plan, written, text, headers, entity):
    first = plan(text, *headers, entity=entity)
    assert plan(as_mapping_file(first), *headers, entity=entity) == first


headers = st.lists(
    st.sampled_from(["Order ID", "客户名称", "Customer ID", "Sales", "Product", "数量", "Date", "ID", "Fax"])
    | st.text(min_size=1, max_size=8).filter(str.strip),
    max_size=8,
)


@given(headers, st.sampled_from(["order", "customer", "opportunity", "user"]))
def test_any_inferred_plan_survives_being_written_down(tmp_path_factory, names, entity):
    model = ENTITIES[entity]
    first = settle(make_plan(model, ENTITIES, names, currency="CNY", timezone=dt.UTC), [])
    path = tmp_path_factory.mktemp("mapping") / "mapping.toml"
    path.write_text(as_mapping_file(first), encoding="utf-8")
    if len({*map(str.casefold, names)}) == len(names):
        again = make_plan(model, ENTITIES, names, read_mapping_file(path), currency="CNY", timezone=dt.UTC)
        assert (again.columns, again.lines, again.totals) == (first.columns, first.lines, first.totals)
        assert {*again.unknown} == {*first.unknown, *first.repeated}
