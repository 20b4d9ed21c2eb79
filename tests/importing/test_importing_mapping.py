"""What headers mean without a mapping file: fields in both languages, references that several describe, lines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from attrs import evolve

from crmcore import Config, load
from crmcore.importing.mapping import field_called
from crmcore.importing.plan import make_plan, settle
from crmcore.schema.model import Field, Kind
from crmcore.types import SourceRow


@pytest.fixture(scope="module")
def entities():
    found = load(Config()).entities
    label = Field(name="abc_class", kind=Kind.TEXT, titles={"zh-CN": "等级"}, computed_by="abc", readonly=True)
    return {**found, "customer": evolve(found["customer"], fields={**found["customer"].fields, "abc_class": label})}


@pytest.fixture
def plan(entities):
    def plan(entity, *headers, currency="CNY"):
        return make_plan(entities[entity], entities, headers, currency=currency, timezone=dt.UTC)

    return plan


def targets(plan):
    return {column.header: column.target for column in plan.columns}


def rows(*cells):
    return [SourceRow(line, one) for line, one in enumerate(cells, start=2)]


def test_headers_mean_fields_by_name_title_and_alias_in_both_languages(plan):
    found = plan("customer", "客户名称", "annual_revenue", "Postal code", "手机", "ZIP-Code", "Fax", "", "Fax")
    assert targets(found) == {
        "客户名称": "name",
        "annual_revenue": "annual_revenue",
        "Postal code": "postal_code",
        "手机": "mobile",
    }
    assert (found.unknown, found.repeated, found.left_out) == (("Fax",), ("ZIP-Code",), ())


def test_headers_are_compared_by_their_letters_and_digits(plan, entities):
    assert targets(plan("order", "InvoiceNo", "invoice_date", "CUSTOMERID", "TotalPrice")) == {
        "InvoiceNo": "number",
        "invoice_date": "order_date",
        "CUSTOMERID": "customer",
        "TotalPrice": "amount",
    }
    assert field_called(entities["customer"], "客户　名称").name == "name"
    assert field_called(entities["customer"], "Fax") is None


def test_fields_that_nobody_may_fill_in_are_left_out(plan, entities):
    found = plan("customer", "name", "abc_class", "等级", "version", "创建时间", "Import")
    assert targets(found) == {"name": "name"}
    assert found.left_out == ("abc_class", "等级", "version", "创建时间", "Import")
    assert field_called(entities["customer"], "abc_class") is None


def test_what_a_rejects_file_puts_first_is_left_out(plan):
    found = plan("order_line", "line", "reason", "order", "Line No")
    assert (targets(found), found.left_out) == ({"order": "order", "Line No": "line_number"}, ("line", "reason"))
    assert targets(plan("order_line", "order", "line")) == {"order": "order", "line": "line_number"}


def test_where_a_record_comes_from_may_be_mapped_but_a_source_alone_means_nothing(plan):
    assert targets(plan("customer", "name", "Source", "外部编号")) == {
        "name": "name",
        "Source": "source",
        "外部编号": "external_id",
    }
    assert plan("customer", "name", "Source").unknown == ("Source",)


@pytest.mark.parametrize("header", ["id", "ID", "编号"])
def test_an_id_is_the_record_itself_where_its_cells_are_references_of_the_entity(plan, header):
    found = plan("customer", header, "name")
    ours = settle(found, rows({header: "customer:42", "name": "Acme"}, {header: None, "name": "Bluth"}))
    assert ours.read({header: "customer:42"}).values == {"id": 42}
    assert ours.unknown == ()
    problem = ours.read({header: "order:42"}).problems[0]
    assert (problem.field, problem.value, problem.code) == (header, "order:42", "reference")


@pytest.mark.parametrize("cells", [["42"], ["customer:42", "7"], ["order:42"], [None], [42], []])
def test_an_id_of_somebody_else_is_unknown(plan, cells):
    found = settle(plan("customer", "ID", "name"), rows(*({"ID": cell, "name": "Acme"} for cell in cells)))
    assert (targets(found), found.unknown) == ({"name": "name"}, ("ID",))
    assert found.read({"ID": "42", "name": "Acme"}).values == {"name": "Acme"}


def test_an_id_of_somebody_else_is_the_field_that_is_called_so_too(plan):
    found = settle(plan("order", "编号", "客户名称"), rows({"编号": "S1"}, {"编号": None}))
    assert targets(found) == {"编号": "number", "客户名称": "customer"}
    assert found.read({"编号": "S1"}).values == {"number": "S1"}
    ours = settle(plan("order", "编号", "客户名称"), rows({"编号": "order:1"}, {"编号": "order:2"}))
    assert ours.read({"编号": "order:1"}).values == {"id": 1}


@pytest.mark.parametrize("number", ["订单编号", "单号", "number"])
def test_a_header_that_means_a_field_for_certain_goes_before_an_id(plan, number):
    serial = settle(plan("order", "编号", number), rows({"编号": "1", number: "S1"}))
    assert (targets(serial), serial.unknown) == ({number: "number"}, ("编号",))
    ours = settle(plan("order", "编号", number), rows({"编号": "order:1", number: "S1"}))
    assert targets(ours) == {"编号": "id", number: "number"}


def test_rows_of_lines_go_by_a_number_that_an_id_may_be(plan):
    found = plan("order", "编号", "客户", "产品名称", "数量")
    assert found.lines is not None
    assert targets(settle(found, rows({"编号": "S1"})))["编号"] == "number"


def test_one_header_names_a_reference_and_two_describe_the_record(plan):
    assert targets(plan("order", "Customer ID")) == {"Customer ID": "customer"}
    assert targets(plan("opportunity", "客户编号", "客户名称")) == {
        "客户编号": "customer.code",
        "客户名称": "customer.name",
    }


def test_of_two_headers_that_mean_the_same_the_second_is_repeated(plan):
    found = plan("opportunity", "Company", "Customer name", "Amount", "Deal value")
    assert targets(found) == {"Company": "customer", "Amount": "amount"}
    assert found.repeated == ("Customer name", "Deal value")
    three = plan("opportunity", "Company", "Customer name", "Customer ID")
    assert targets(three) == {"Company": "customer.name", "Customer ID": "customer.code"}
    assert three.repeated == ("Customer name",)


SUPERSTORE = (
    *("Row ID", "Order ID", "Order Date", "Ship Date", "Ship Mode", "Customer ID", "Customer Name"),
    *("Segment", "Country", "City", "State", "Postal Code", "Region", "Product ID", "Category"),
    *("Sub-Category", "Product Name", "Sales", "Quantity", "Discount", "Profit"),
)


def test_rows_of_a_line_item_file_are_lines_of_orders(plan):
    found = plan("order", *SUPERSTORE)
    assert targets(found) == {
        "Order ID": "number",
        "Order Date": "order_date",
        "Ship Date": "shipped_date",
        "Customer ID": "customer.code",
        "Customer Name": "customer.name",
        "Product ID": "order_lines.product.code",
        "Product Name": "order_lines.product.name",
        "Sales": "order_lines.amount",
        "Quantity": "order_lines.quantity",
        "Discount": "order_lines.discount",
        "Profit": "order_lines.profit",
    }
    assert found.lines.name == "order_lines"
    assert found.totals == {"amount": ("order_lines", "amount"), "profit": ("order_lines", "profit")}
    assert "Segment" in found.unknown
    assert found.repeated == ()


def test_a_row_of_lines_is_nested_as_its_columns_say(plan):
    found = plan("order", "Order ID", "Customer", "Product ID", "Product Name", "Sales", "Quantity")
    cells = {"Order ID": "S1", "Customer": "Acme", "Product ID": "P-1", "Product Name": "Desk", "Sales": "¥1,200"}
    assert found.read(cells).values == {
        "number": "S1",
        "customer": "Acme",
        "order_lines": {"product": {"code": "P-1", "name": "Desk"}, "amount": Decimal(1200)},
    }


def test_rows_are_lines_only_where_the_key_of_the_record_is_there(plan):
    found = plan("order", "Customer", "Order Date", "Sales", "Quantity")
    assert (found.lines, found.unknown) == (None, ("Quantity",))
    assert targets(found)["Sales"] == "amount"


def test_rows_are_no_lines_where_these_would_lack_what_they_need(plan):
    found = plan("opportunity", "Code", "Name", "Contact")
    assert (found.lines, found.unknown) == (None, ("Contact",))
    both = plan("opportunity", "Code", "Name", "Contact", "Role")
    assert targets(both)["Role"] == "opportunity_contacts.role"


def test_a_total_that_a_column_gives_is_not_summed(plan):
    found = plan("order", "Order ID", "Order total", "Sales", "Quantity")
    assert (targets(found)["Order total"], targets(found)["Sales"]) == ("amount", "order_lines.amount")
    assert found.totals == {}


def test_a_file_without_any_known_header_has_no_columns(plan):
    found = plan("customer", "Foo", "Bar")
    assert (found.columns, found.unknown) == ((), ("Foo", "Bar"))
    assert found.read({"Foo": "1"}).values == {}


def test_empty_cells_are_left_out_and_bad_ones_are_problems_of_the_row(plan):
    found = plan("customer", "name", "年营业额", "founded date", "员工人数", "kind", "key customer")
    row = found.read(
        {
            "name": " ",
            "年营业额": "$5",
            "founded date": "2001-02-30",
            "员工人数": "many",
            "kind": "shop",
            "key customer": "",
        }
    )
    assert row.values == {}
    assert [(problem.field, problem.value, problem.code) for problem in row.problems] == [
        ("founded date", "2001-02-30", "date"),
        ("员工人数", "many", "type"),
        ("kind", "shop", "enum"),
        ("年营业额", "$5", "currency"),
    ]
    assert not row.skipped
    assert row.cleaned == []


@pytest.mark.parametrize("cell", [["a"], {"a": 1}, object(), b"x", float("nan"), 10**400, "9" * 10**6, "\ud800"])
def test_no_cell_whatsoever_stops_the_reading(plan, cell):
    headers = ("name", "annual_revenue", "founded_date", "employees", "kind", "key_customer", "tags", "owner")
    row = plan("customer", *headers).read(dict.fromkeys(headers, cell))
    assert len(row.values) + len(row.problems) == len(headers)


def test_an_amount_in_the_currency_of_the_record_is_converted_at_its_rate(plan):
    found = plan("order", "number", "amount", "currency", "exchange rate")
    row = found.read({"number": "S1", "amount": "$1,000.50", "currency": "usd", "exchange rate": "7.1"})
    assert row.values == {"number": "S1", "amount": Decimal("7103.55"), "currency": "USD", "exchange_rate": 7.1}
    assert row.problems == []


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "field"),
    [
        ("$5", None, None, "amount"),
        ("$5", "USD", None, "amount"),
        ("$5", "EUR", "7.8", "amount"),
        ("5", "USD", None, "currency"),
    ],
)
def test_an_amount_in_another_currency_without_a_rate_is_a_problem(plan, amount, currency, rate, field):
    found = plan("order", "amount", "currency", "exchange rate")
    problems = found.read({"amount": amount, "currency": currency, "exchange rate": rate}).problems
    assert [(problem.field, problem.code) for problem in problems] == [(field, "currency")]


def test_amounts_that_bear_no_sign_are_converted_already_and_the_own_currency_needs_no_rate(plan):
    found = plan("order", "amount", "currency", "exchange rate")
    assert found.read({"amount": "71", "currency": "USD", "exchange rate": "7.1"}).values["amount"] == 71
    assert found.read({"amount": "¥71", "currency": "人民币"}).values == {"amount": Decimal(71), "currency": "CNY"}
    assert found.read({"currency": "USD"}).problems == []
