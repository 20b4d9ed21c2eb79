"""The entities that come with crmcore: complete, in two languages, and findable by the headers of real exports."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from crmcore.schema.documents import core_documents, meta_schema, schemas_folder
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.schema.patterns import pattern_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LANGUAGES = {"en", "zh-CN"}
CORE: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(schemas_folder().glob("*.schema.json"))
}
ENTITIES = sorted(CORE)
FIELDS = [(entity, name) for entity in ENTITIES for name in CORE[entity]["properties"]]
MOST_CUSTOMER_FIELDS = 62
"""A form that nobody fills in is worse than a short one; what is rarer belongs in an extension."""


def notes(entity: str, field: str) -> dict[str, Any]:
    return CORE[entity]["properties"][field]["x-crm"]


def header_key(header: str) -> str:
    """Reduce a header to what tells it from others: ``Customer ID``, ``customer_id`` and ``CustomerID`` are one."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(character for character in folded if character.isalnum())


def headers_of(entity: str, field: str) -> Iterator[str]:
    yield field
    yield from notes(entity, field)["titles"].values()
    yield from notes(entity, field).get("aliases", ())


def claims(entity: str) -> dict[str, set[str]]:
    """Return header -> the fields of the entity that it maps to, system columns included."""
    found = defaultdict(set)
    for field in CORE[entity]["properties"]:
        for header in headers_of(entity, field):
            found[header_key(header)].add(field)
    for system in SYSTEM_FIELDS.values():
        for header in (system.name, *system.titles.values()):
            found[header_key(header)].add(system.name)
    return found


def fields_for(entity: str, headers: Iterable[str]) -> list[str | None]:
    by_header = claims(entity)
    return [next(iter(by_header.get(header_key(header), [None]))) for header in headers]


def refusals(entity: str, **record: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(CORE[entity]).iter_errors(record)]


def references() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for entity, field in FIELDS:
        if "ref" in notes(entity, field):
            yield entity, field, notes(entity, field)


# -- the dialect ------------------------------------------------------------------------------------------------


def test_the_core_has_the_ten_entities_that_everything_else_builds_on() -> None:
    assert ENTITIES == [
        "activity",
        "contact",
        "customer",
        "opportunity",
        "opportunity_contact",
        "order",
        "order_line",
        "product",
        "team",
        "user",
    ]


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_file_obeys_the_meta_schema_of_the_dialect(entity: str) -> None:
    meta = Draft202012Validator(meta_schema("entity"))
    assert [error.message for error in meta.iter_errors(CORE[entity])] == []


def test_every_file_is_read_without_a_problem() -> None:
    documents, problems = core_documents()
    assert problems == ()
    assert [document.entity for document in documents] == ENTITIES


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_field_is_named_like_a_column_that_every_table_has(entity: str) -> None:
    assert not set(CORE[entity]["properties"]) & set(SYSTEM_FIELDS)


def test_references_point_to_entities_of_the_core() -> None:
    assert {told["ref"] for _, _, told in references()} <= {*CORE, "*"}


@pytest.mark.parametrize("entity", ENTITIES)
def test_display_search_match_and_required_name_fields_of_the_entity(entity: str) -> None:
    told = CORE[entity]["x-crm"]
    matched = [name for rule in told.get("match", ()) for name in (*rule["fields"], *rule.get("when", ()))]
    named = {told["display"], *told.get("search", ()), *matched, *CORE[entity].get("required", ())}
    assert named <= set(CORE[entity]["properties"])


def test_no_plural_is_also_a_field_so_that_the_way_back_along_a_reference_has_a_name_of_its_own() -> None:
    plurals = [schema["x-crm"]["plural"] for schema in CORE.values()]
    assert len(set(plurals)) == len(plurals)
    assert not set(plurals) & {field for _, field in FIELDS}


@pytest.mark.parametrize(("entity", "field"), FIELDS)
def test_text_is_bounded_and_no_pattern_uses_a_class_that_engines_read_differently(entity: str, field: str) -> None:
    schema = CORE[entity]["properties"][field]
    unbounded = schema["type"] == "string" and not {"maxLength", "enum", "format"} & set(schema)
    assert not unbounded or "money" in schema["x-crm"] or schema["x-crm"].get("ref") == "*"
    assert pattern_fault(schema.get("pattern", "")) is None


# -- two languages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_entity_has_a_title_in_both_languages(entity: str) -> None:
    assert set(CORE[entity]["x-crm"]["titles"]) == LANGUAGES


@pytest.mark.parametrize(("entity", "field"), FIELDS)
def test_every_field_has_a_title_in_both_languages(entity: str, field: str) -> None:
    titles = notes(entity, field)["titles"]
    assert set(titles) == LANGUAGES
    assert titles["en"].isascii()
    assert not titles["zh-CN"].isascii()


@pytest.mark.parametrize(("entity", "field"), [at for at in FIELDS if "enum" in CORE[at[0]]["properties"][at[1]]])
def test_every_value_of_an_enum_has_its_own_title_in_both_languages(entity: str, field: str) -> None:
    values = CORE[entity]["properties"][field]["enum"]
    told = notes(entity, field)["values"]
    assert list(told) == values
    for language in LANGUAGES:
        assert len({told[value][language].casefold() for value in values}) == len(values)


# -- headers of real files --------------------------------------------------------------------------------------


DECIDED_BY_CELLS = {"order": {"编号": {"id", "number"}}}
"""Words for the record itself that are another field's too: a column of references is the one, any other the other."""


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_header_could_mean_two_fields_of_one_entity_unless_its_cells_decide(entity: str) -> None:
    twice = {header: fields for header, fields in claims(entity).items() if len(fields) > 1}
    assert twice == DECIDED_BY_CELLS.get(entity, {})


@pytest.mark.parametrize(("entity", "field"), FIELDS)
def test_aliases_are_lower_case_and_say_nothing_that_name_and_titles_do_not(entity: str, field: str) -> None:
    told = notes(entity, field)
    aliases = told.get("aliases", [])
    given = {field, field.replace("_", " "), *(title.casefold() for title in told["titles"].values())}
    assert aliases == [alias.casefold().strip() for alias in aliases]
    assert len(set(aliases)) == len(aliases)
    assert not given & set(aliases)


@pytest.mark.parametrize(
    ("entity", "mapped"),
    [
        (
            "customer",
            {"客户名称": "name", "电话": "phone", "联系人": "contact_person", "行业": "industry", "地区": "region"},
        ),
        ("customer", {"手机号": "mobile", "邮箱": "email", "微信": "wechat", "负责人": "owner", "备注": "notes"}),
        (
            "customer",
            {"客户来源": "source_channel", "客户类型": "customer_type", "统一社会信用代码": "registration_number"},
        ),
        ("customer", {"公司名称": "name", "法定代表人": "person_in_charge", "成立日期": "founded_date"}),
        ("customer", {"Company": "name", "Phone Number": "phone", "E-mail": "email", "ZIP": "postal_code"}),
        (
            "contact",
            {"联系人": "name", "客户名称": "customer", "职务": "job_title", "电话": "phone", "生日": "birthday"},
        ),
        ("opportunity", {"商机名称": "name", "客户名称": "customer", "金额": "amount", "阶段": "stage"}),
        (
            "opportunity",
            {"预计成交日期": "expected_close_date", "输单原因": "close_reason", "下次跟进时间": "next_step_date"},
        ),
        (
            "order",
            {
                "订单号": "number",
                "客户名称": "customer",
                "下单日期": "order_date",
                "金额": "amount",
                "发货日期": "shipped_date",
            },
        ),
        (
            "order_line",
            {"订单号": "order", "产品名称": "product", "数量": "quantity", "单价": "price", "金额": "amount"},
        ),
        (
            "product",
            {"产品编码": "code", "产品名称": "name", "规格型号": "specification", "单位": "unit", "价格": "price"},
        ),
        ("activity", {"跟进方式": "kind", "跟进内容": "body", "跟进时间": "happened_at", "跟进人": "done_by"}),
        ("user", {"姓名": "name", "部门": "team", "账号": "login", "上级": "manager"}),
    ],
)
def test_headers_of_common_exports_find_their_fields(entity: str, mapped: dict[str, str]) -> None:
    assert fields_for(entity, mapped) == list(mapped.values())


@pytest.mark.parametrize(
    ("entity", "headers", "fields"),
    [
        # The exports of three real systems: a sales CRM, an office-supplies retailer, an online shop.
        (
            "customer",
            "account sector year_established employees subsidiary_of",
            "name industry founded_year employees parent",
        ),
        ("opportunity", "opportunity_id sales_agent product account deal_stage", "code owner product customer stage"),
        ("opportunity", "engage_date close_value", "start_date amount"),
        ("product", "product series sales_price", "name category price"),
        ("user", "sales_agent manager regional_office", "name manager team"),
        ("order", "InvoiceNo InvoiceDate CustomerID TotalPrice", "number order_date customer amount"),
        (
            "order",
            "Order_ID Order_Date Ship_Date Customer_Name Profit",
            "number order_date shipped_date customer profit",
        ),
        (
            "order_line",
            "Order_ID Product_ID Sales Quantity Discount Profit",
            "order product amount quantity discount profit",
        ),
        ("customer", "Customer_ID Customer_Name Segment Country", "code name customer_type country"),
        ("customer", "City State Postal_Code Region", "city province postal_code region"),
        ("product", "Product_ID Product_Name Category", "code name category"),
    ],
)
def test_headers_of_other_systems_map_by_themselves(entity: str, headers: str, fields: str) -> None:
    assert fields_for(entity, headers.split()) == fields.split()


@pytest.mark.parametrize(
    ("entity", "header"),
    [
        ("customer", "revenue"),  # of their business, or what we sold them
        ("customer", "office_location"),  # a country in one system, a street in another
        ("customer", "公司规模"),  # a range such as 50-99人, not a count
        ("customer", "农历生日"),  # a day by the lunar calendar, which need not be a date
        ("opportunity", "close_date"),  # the expected day, or the actual one
        ("order", "due date"),  # of the goods, or of the payment
        ("order_line", "折扣"),  # the share that is left, not the share taken off
    ],
)
def test_a_header_that_means_one_thing_here_and_another_there_maps_to_nothing(entity: str, header: str) -> None:
    assert fields_for(entity, [header]) == [None]


# -- what the requirements ask of the fields --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "fields"),
    [
        ("person: basics", "gender birthday keeps_lunar_birthday phone mobile email wechat address"),
        ("person: consumption", "annual_income spending_habits needs"),
        ("person: career", "occupation employer job_title"),
        ("person: family", "marital_status family"),
        ("person: life", "hobbies lifestyle"),
        ("person: education", "education_level school"),
        ("person: personality", "personality"),
        ("person: social", "social_circle"),
        (
            "organisation: basics",
            "industry employees annual_revenue founded_date founded_year website registration_number",
        ),
        ("organisation: characteristics", "ownership main_business service_area growth_potential"),
        ("organisation: business", "other_suppliers cooperation"),
        ("organisation: transactions", "credit_rating credit_limit payment_terms"),
        ("organisation: person in charge", "person_in_charge contact_person"),
        ("followed", "kind relation status owner team parent tags source_channel referred_by key_customer"),
    ],
)
def test_the_customer_file_has_real_fields_for_every_group_of_r1(group: str, fields: str) -> None:
    properties = CORE["customer"]["properties"]
    assert set(fields.split()) <= set(properties), group
    assert all(properties[field]["type"] != "object" for field in fields.split())


def test_the_customer_file_stays_short_enough_to_be_filled_in() -> None:
    assert len(CORE["customer"]["properties"]) <= MOST_CUSTOMER_FIELDS


def test_a_customer_is_a_person_or_an_organisation_and_direct_or_indirect() -> None:
    properties = CORE["customer"]["properties"]
    assert properties["kind"]["enum"] == ["person", "organisation"]
    assert properties["relation"]["enum"] == ["direct", "indirect"]
    assert "open" not in properties["kind"]["x-crm"]


def test_the_expected_order_date_of_r9_is_an_indexed_date() -> None:
    schema = CORE["customer"]["properties"]["expected_order_date"]
    assert (schema["format"], schema["x-crm"]["index"]) == ("date", True)


def test_key_customers_and_key_projects_are_two_lists() -> None:
    assert CORE["customer"]["properties"]["key_customer"]["default"] is False
    assert CORE["opportunity"]["properties"]["key_project"]["default"] is False


def test_customers_are_recognised_by_code_then_as_organisations_by_name_and_as_persons_by_phone_or_mail() -> None:
    rules = [(rule["fields"], rule.get("when")) for rule in CORE["customer"]["x-crm"]["match"]]
    assert rules[0] == (["code"], None)
    assert (["name"], {"kind": "organisation"}) in rules
    assert (["phone"], {"kind": "person"}) in rules
    assert (["email"], {"kind": "person"}) in rules
    assert (["name"], None) not in rules


def test_no_contact_is_recognised_by_a_shared_address_or_number_alone() -> None:
    assert all("name" in rule["fields"] for rule in CORE["contact"]["x-crm"]["match"])


def test_every_role_of_the_buying_centre_is_there_and_an_instance_may_add_more() -> None:
    role = CORE["opportunity_contact"]["properties"]["role"]
    assert role["enum"] == ["purchaser", "user", "technical_gatekeeper", "finance_gatekeeper", "decision_maker"]
    assert role["x-crm"]["open"] is True


def test_the_contact_log_says_who_met_whom_how_when_in_which_phase_and_what_was_said() -> None:
    properties = CORE["activity"]["properties"]
    assert properties["subject"]["x-crm"]["ref"] == "*"
    assert properties["contact"]["x-crm"]["ref"] == "contact"
    assert properties["done_by"]["x-crm"]["ref"] == "user"
    assert {"visit", "call", "mail", "chat"} <= set(properties["kind"]["enum"])
    assert properties["kind"]["x-crm"]["open"] is True
    assert properties["phase"]["enum"] == ["pre_sale", "in_sale", "after_sale"]
    assert properties["happened_at"]["format"] == "date-time"


def test_a_handover_changes_the_owner_of_an_activity_and_not_who_did_it() -> None:
    assert notes("activity", "owner")["owner"] is True
    assert "owner" not in notes("activity", "done_by")


@pytest.mark.parametrize("entity", ["customer", "contact", "opportunity", "order", "activity"])
def test_records_that_a_handover_moves_have_exactly_one_owner_who_is_a_user(entity: str) -> None:
    owners = [field for at, field, told in references() if at == entity and told.get("owner")]
    assert owners == ["owner"]
    assert notes(entity, "owner")["ref"] == "user"


def test_the_default_stages_run_from_first_touch_to_won_or_lost_and_are_open() -> None:
    stage = CORE["opportunity"]["properties"]["stage"]
    assert stage["default"] == stage["enum"][0] == "prospecting"
    assert stage["enum"][-2:] == ["won", "lost"]
    assert stage["x-crm"]["open"] is True


def test_goods_and_payment_of_an_order_are_followed_apart() -> None:
    properties = CORE["order"]["properties"]
    assert {"shipped", "delivered"} <= set(properties["status"]["enum"])
    assert {"unpaid", "partly_paid", "paid"} <= set(properties["payment_status"]["enum"])
    assert "default" not in properties["payment_status"]


def test_a_line_of_an_order_has_product_quantity_and_price() -> None:
    properties = CORE["order_line"]["properties"]
    assert properties["product"]["x-crm"]["ref"] == "product"
    assert properties["quantity"]["type"] == "number"
    assert properties["price"]["x-crm"]["money"] is True


def test_logins_and_team_names_are_unique_and_nothing_else_is() -> None:
    unique = [(entity, field) for entity, field in FIELDS if notes(entity, field).get("unique")]
    assert unique == [("team", "name"), ("user", "login")]


# -- references and deletion ------------------------------------------------------------------------------------


def test_every_reference_says_what_a_deletion_does_and_is_indexed() -> None:
    for entity, field, told in references():
        assert told["index"] is True, (entity, field)
        assert told["ref"] == "*" or told["on_delete"] in ("restrict", "clear", "delete"), (entity, field)


def test_a_reference_that_a_deletion_empties_may_be_empty() -> None:
    cleared = [(entity, field) for entity, field, told in references() if told.get("on_delete") == "clear"]
    assert cleared == [
        ("activity", "contact"),
        ("contact", "reports_to"),
        ("customer", "referred_by"),
        ("order", "opportunity"),
    ]
    assert all(field not in CORE[entity].get("required", ()) for entity, field in cleared)


# -- what records may lack, and what they may not ---------------------------------------------------------------


def test_an_opportunity_may_have_no_customer() -> None:
    assert refusals("opportunity", name="Cold store", stage="prospecting") == []


def test_an_opportunity_from_another_system_may_have_a_code_instead_of_a_name() -> None:
    assert refusals("opportunity", code="1C1I7A6R", stage="won", amount="1054") == []


def test_an_opportunity_with_neither_code_nor_name_is_refused() -> None:
    assert refusals("opportunity", stage="prospecting") == ["'name' is a required property"]


def test_a_leaver_of_an_older_system_is_a_user_without_a_login() -> None:
    assert refusals("user", name="Moses Frase") == []
    assert refusals("user", login="moses") == []
    assert refusals("user", active=False) == ["'name' is a required property"]


def test_an_activity_has_happened_or_is_due() -> None:
    log = {"subject": "customer:42", "kind": "visit"}
    assert refusals("activity", **log, happened_at="2026-11-21T09:30:00Z") == []
    assert refusals("activity", **log, due_date="2026-12-01") == []
    assert refusals("activity", **log) == ["'due_date' is a required property"]


def test_a_customer_with_a_mistyped_mail_address_is_kept() -> None:
    assert "format" not in CORE["customer"]["properties"]["email"]
    assert "format" not in CORE["contact"]["properties"]["email"]
    assert refusals("customer", kind="organisation", name="企业电子", email="sales#corp.example") == []


def test_a_person_may_have_what_is_asked_of_organisations_and_the_other_way_round() -> None:
    assert refusals("customer", kind="person", name="张伟", registration_number="92440605MA4X") == []
    assert refusals("customer", kind="organisation", name="张记五金", birthday="1970-02-28") == []


@pytest.mark.parametrize(
    ("entity", "field"),
    [
        ("customer", "annual_revenue"),
        ("customer", "credit_limit"),
        ("customer", "annual_income"),
        ("opportunity", "amount"),
        ("product", "price"),
        ("product", "cost"),
    ],
)
def test_money_that_cannot_be_less_than_nothing_is_refused_below_it(entity: str, field: str) -> None:
    found = refusals(entity, **{field: "-1.00"})
    assert "'-1.00' does not match '^[0-9]'" in found
    assert not any("does not match" in message for message in refusals(entity, **{field: "0.00"}))


@pytest.mark.parametrize(
    ("entity", "field"), [("order", "amount"), ("order", "profit"), ("order_line", "amount"), ("order_line", "profit")]
)
def test_a_return_or_a_loss_may_be_negative(entity: str, field: str) -> None:
    assert not any("does not match" in message for message in refusals(entity, **{field: "-383.03"}))


@pytest.mark.parametrize("currency", ["usd", "US$", "人民币", "EURO"])
def test_a_currency_that_is_no_three_letter_code_is_refused(currency: str) -> None:
    assert refusals("order", customer=1, order_date="2026-11-21", status="confirmed", currency=currency) != []


def test_an_exchange_rate_of_nothing_is_refused() -> None:
    assert refusals("opportunity", name="Cold store", stage="won", exchange_rate=0) != []
