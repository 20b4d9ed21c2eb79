"""Errors: where the caret stands, and what is suggested."""

from __future__ import annotations

import pytest
from conditions_world import METRICS, compiled, scope

from crmcore.conditions import Use, compile_condition, compile_order
from crmcore.conditions.excerpt import excerpt, width
from crmcore.errors import ConditionError


def mistake(text: str, entity: str = "customer", use: Use = Use.SCORING) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        compiled(text, entity, use)
    return caught.value


def test_the_caret_stands_under_the_mistake() -> None:
    assert str(mistake("staff > 10 and reigon = 'East'")) == (
        "customer has neither a field nor a metric reigon\n"
        "  staff > 10 and reigon = 'East'\n"
        "                 ^^^^^^\n"
        "Did you mean region?"
    )  # fmt: skip


def test_chinese_characters_take_two_columns() -> None:
    assert str(mistake("name = '北京电子' and 地区 = '华东'")) == (
        "customer has neither a field nor a metric 地区\n"
        "  name = '北京电子' and 地区 = '华东'\n"
        "                        ^^^^\n"
        "The field with that title is called region."
    )  # fmt: skip


def test_a_text_of_several_lines_shows_the_line_and_its_number() -> None:
    assert str(mistake("staff > 10\n\tand name == '电子'\nor vip")) == (
        "== cannot be read here\n"
        "2 |     and name == '电子'\n"
        "                 ^^\n"
        "Write = instead of ==."
    )  # fmt: skip


def test_a_mistake_at_the_end_has_its_caret_behind_the_text() -> None:
    assert str(mistake("staff > 10 and ")) == (
        "the text ends too early\n"
        "  staff > 10 and \n"
        "                ^\n"
        "Complete it, or remove the last word."
    )  # fmt: skip


def test_a_long_line_is_cut_around_the_mistake() -> None:
    shown = excerpt("a" * 500 + "!" + "b" * 500, (500, 501)).splitlines()

    assert shown == ["  …" + "a" * 60 + "!" + "b" * 40 + "…", " " * 63 + "^"]


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    assert excerpt("a\x1b[2J = 1", (0, 1)) == "  a\ufffd[2J = 1\n  ^"


def test_combining_marks_take_no_column() -> None:
    assert (width("a\u0308"), width("客户"), width("ｱ"), width("ＡＢ")) == (1, 4, 1, 4)


def test_the_error_carries_its_parts() -> None:
    error = mistake("vip and\nreigon = 'East'")

    assert (error.text[error.start : error.end], error.reason) == (
        "reigon",
        "customer has neither a field nor a metric reigon",
    )
    assert error.hint == "Did you mean region?"
    assert error.excerpt == "2 | reigon = 'East'\n    ^^^^^^"


SUGGESTIONS = {
    "staff == 1": "Write = instead of ==.",
    "staff <> 1": "Write != instead of <>.",
    "staff => 1": "Write >= instead of =>.",
    "vip && active": "Write and instead of &&.",
    "vip || active": "Write or instead of ||.",
    "!vip": "Write not instead of !.",
    "name like 'a'": "Write contains instead of like.",
    "name LIKE 'a'": "Write contains instead of LIKE.",
    "name not like 'a'": "Write contains instead of like.",
    "name startswith 'a'": "Write starts with instead of startswith.",
    "name cotains 'a'": "Did you mean contains?",
    "name = 张三": "Put it in quotes: '张三'.",
    "name = li.wei": "Put it in quotes: 'li.wei'.",
    "name = Acme": "Did you mean name? Or is it no field? Put it in quotes: 'Acme'.",
    "region = West": "Put it in quotes: 'West'.",
    "region in ('East', 华南)": "Put it in quotes: '华南'.",
    "name contains 电子": "Put it in quotes: '电子'.",
    "code starts with 21": "Put it in quotes: '21'.",
    "name = 张三 公司 and vip": "Put it in quotes: '张三 公司'.",
    "region in (华东 一区, 'East')": "Put it in quotes: '华东 一区'.",
    "name = Acme Corp": "Did you mean or? Or is it a text? Put it in quotes: 'Acme Corp'.",
    "email = a@b.cn": "Put it in quotes: 'a@b.cn'.",
    "name = region adn vip = true": "Did you mean and?",
    "since > yesterday": "Write dates as '2026-01-31', or today().",
    "parent = 佛山": "Write an id, 'customer:42', or me.",
    "vip = 是": "Write true or false without quotes.",
    "vip adn active": "Did you mean and?",
    "email is null": "Write empty instead of null.",
    "name = null": "To ask for a missing value write: email is empty.",
    "name = ''": "Write `is empty` or `is not empty`.",
    "exists orders": "Write any instead of exists.",
    "staff > 1,000": "Write numbers without separators: 1000000.",
    "staff > 10万": "Write the number in full: 100000.",
    "staff > 10k": "Write the number in full: 100000.",
    "score > 25%": "Write a share as a number: 0.25 instead of 25%.",
    "credit > ￥100": "Write amounts without a currency sign.",
    "credit > $100": "Write amounts without a currency sign.",
    "name = ‘abc’": "Put text in straight quotes: 'East'.",
    "name = “abc”": "Put text in straight quotes: 'East'.",
    "name = 「abc」": "Write ' instead of 「.",
    "（staff = 1）": "Write ( instead of （.",
    "staff ＞ 1": "Write > instead of ＞.",
    "staff >= １００": "Write 100 instead of １００.",
    "region in （'East'，'West'）": "Write ( instead of （.",
    "region in ('East'，'West')": "Write , instead of ，.",
    "region in ['East']": "Write ( instead of [.",
    "region in 'East'": "Expected: values in parentheses, such as in ('East', 'West').",
    "region in ()": "Expected: a field, a value or a parenthesis.",
    "name = 'abc": "A quote inside a text is doubled: 'it''s'.",
    "name 包含 'abc'": "Write contains instead of 包含.",
    "(staff = 1": "A closing parenthesis is missing.",
    "1 < staff < 5": "One comparison at a time: write `a < b and b < c`, or `b between a and c`.",
    "sum(staff) > 1": "The only functions are today() and now(), without anything in their parentheses.",
    "since > today": "Write today().",
    "since > tody()": "Did you mean today()?",
    "regon = 'East'": "Did you mean region?",
    "region = 'east'": "Did you mean East?",
    "region = 'Wst'": "Did you mean West?",
    "region = 'Moon'": "Known: East, West, 华东",
    "region contains 'E'": "Write `in ('East', 'West')`.",
    "客户名称 = 'a'": "The field with that title is called name.",
    "orders = 1": "To ask for related records write: any orders (...).",
    "any oders": "Did you mean orders?",
    "any everything": "Known: activities, customers, orders",
    "orders_cont > 1": "Did you mean orders_count?",
    "any orders (orders_count > 1)": "Did you mean order_date?",
    "deleted_at is empty": "Deleted and merged records are left out everywhere.",
    "name = 5": "Put it in quotes: '5'.",
    "staff = '5'": "Write numbers without quotes.",
    "vip = 'true'": "Write true or false without quotes.",
    "since > 20260131": "Write dates as '2026-01-31', or today().",
    "since > '2026/1/31'": "Write dates as '2026-01-31', or today().",
    "since > '2026-01-31 10:00'": "Write dates as '2026-01-31', or today().",
    "since > '2026-02-30'": None,
    "met_at > '10:00'": "Write '2026-01-31', '2026-01-31 09:30', today() or now().",
    "since > now()": "Compare a date with today() or a date, and an instant with a fixed day, not with a date field.",
    "since > met_at": "Compare a date with today() or a date, and an instant with a fixed day, not with a date field.",
    "since + 3 months > today()": (
        "Months differ in length. Move them to the other side: order_date < today() - 3 months."
    ),
    "since + 3 > today()": "Add a duration to a date: + 3 days. Two dates can only be subtracted.",
    "met_at + 3 days > now()": "Move it to the other side, to today(): created_at >= today() - 3 months.",
    "since > 3 days": "Add it to a date or subtract it: today() - 90 days.",
    "met_at in ('2026-01-31')": "Write `between` or a comparison with >= and <.",
    "owner = 'customer:1'": None,
    "owner = 'wang'": "Write the entity and the id: 'user:42'.",
    "owner = true": "Write an id, 'user:42', or me.",
    "owner = parent": None,
    "owner > 1": "Compare them with =, != or `in`.",
    "region < 'East'": "Compare them with =, != or `in`.",
    "tags = 'vip'": "Write `contains 'text'`, `is empty` or `is not empty`.",
    "address contains 'a'": None,
    "tags starts with 'a'": "Write `contains`.",
    "name contains ''": "Write `is not empty`.",
    "name contains alias": "Put it in quotes: 'alias'.",
    "name = region": "Free text is compared case-folded, codes and fixed values as they are written.",
    "name.first = 'a'": "Only a reference can be followed by a point.",
    "name": "Compare it: `name = ...`, or ask `name is not empty`.",
    "staff in (1, branches)": "Compare with `or`.",
    "staff / 0 > 1": None,
    "name + 1 > 2": None,
    "(staff = 1) = 2": None,
    "-vip": None,
    "": "Write for instance: amount >= 1000",
}


@pytest.mark.parametrize("text", SUGGESTIONS)
def test_a_mistake_comes_with_the_suggestion(text: str) -> None:
    assert mistake(text).hint == SUGGESTIONS[text]


def test_a_reference_to_any_record_names_a_known_entity() -> None:
    assert mistake("subject = 'custmer:1'", "activity").hint == "Did you mean customer?"
    assert mistake("subject = 1", "activity").hint == "Write the entity and the id: 'customer:42'."
    assert (
        mistake("subject.name = 'a'", "activity").reason == "activity.subject does not refer to records of one entity"
    )


@pytest.mark.parametrize("text", ["credit > 1", "parent.credit > 1", "any customers (credit > 1)", "credit is empty"])
def test_a_hidden_field_is_refused_wherever_it_is_reached(text: str) -> None:
    with pytest.raises(ConditionError, match=r"you may not read customer\.credit"):
        compile_condition(text, scope(hidden={("customer", "credit")}), Use.FILTER)


def test_hidden_links_and_relations_are_refused() -> None:
    with pytest.raises(ConditionError, match=r"you may not read customer\.parent"):
        compile_condition("parent.name = 'a'", scope(hidden={("customer", "parent")}), Use.FILTER)
    with pytest.raises(ConditionError, match=r"you may not read order\.customer"):
        compile_condition("any orders", scope(hidden={("order", "customer")}), Use.FILTER)
    with pytest.raises(ConditionError, match=r"you may not read customer\.credit"):
        compile_order("-credit", scope(hidden={("customer", "credit")}))


def test_a_hidden_field_is_not_suggested() -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition("credti > 1", scope(hidden={("customer", "credit")}), Use.FILTER)

    assert "credit" not in str(caught.value).replace("credti", "")


@pytest.mark.parametrize("use", [Use.FILTER, Use.ACCESS])
def test_metrics_are_for_scoring_only(use: Use) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition("abc.revenue > 1", scope(metrics=METRICS), use)

    assert caught.value.reason == "the metric abc.revenue cannot be used here"
    assert caught.value.hint == "Metrics are computed by scoring. Use the stored label that it writes."
