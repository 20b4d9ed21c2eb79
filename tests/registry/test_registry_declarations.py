"""What plugins declare: names, conflicts, and whether it fits the entities."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from attrs import evolve

from crmcore.config import Config, read_config
from crmcore.errors import PluginError, StartRefused
from crmcore.hookspecs import hookimpl
from crmcore.registry import load
from crmcore.registry.declarations import CORE_PERMISSIONS
from crmcore.registry.metric_checks import metric_kinds
from crmcore.schema.model import Kind
from crmcore.types import Importer, Label, Metric, MetricQuery, Permission, Plugin, ReportType, ScoringRule

CLASSES = {"type": "string", "enum": ["A", "B", "C"], "x-crm": {"computed_by": "abc"}}
EXTENSION = {
    "$schema": "urn:crmcore:extension:1",
    "properties": {
        "abc_class": CLASSES,
        "abc_rule": {"type": "string", "maxLength": 10, "x-crm": {"computed_by": "abc.named"}},
        "abc_score": {"type": "number", "x-crm": {"computed_by": "abc"}},
    },
}
REVENUE = Metric(
    name="abc.revenue",
    entity="customer",
    relation="orders",
    aggregate="sum",
    field="amount",
    date_field="order_date",
    days=365,
)
QUERY = MetricQuery(lambda tx, as_of: None)
NOTHING = dict.fromkeys(("relation", "aggregate", "field", "date_field", "days"))
RULE = ScoringRule(
    name="abc.class", entity="customer", field="abc_class", labels=[Label("A", "revenue > 1000")], otherwise="C"
)


def plugin(name="abc", *, schemas=None, manifest=None, **declared):
    """A plugin whose hooks return what is given: metrics=[...] for crm_metrics."""

    def returning(result, takes_settings):
        if takes_settings:
            return hookimpl(lambda settings: result)
        return hookimpl(lambda: result)

    hooks = {
        f"crm_{kind}": returning(result, kind not in ("importers", "permissions")) for kind, result in declared.items()
    }
    document = {"name": name, "version": "1.0", "summary": "x", **(manifest or {})}
    return Plugin(manifest=document, module=SimpleNamespace(**hooks), schemas=schemas or {})


def abc(**declared):
    return plugin("abc", schemas={"customer.extend.json": EXTENSION}, **declared)


def refused(*plugins, config=None):
    with pytest.raises(StartRefused) as caught:
        load(config or Config(), plugins)
    return caught.value.problems


def read(path, options):
    return iter(())


def test_declarations_are_found_by_name():
    csv = Importer(name="csv", suffixes=[".csv"], read=read)
    report = ReportType(name="abc.classes", summary="x", compute=lambda tx, parameters: None)
    permission = Permission("abc.run")

    registry = load(
        Config(),
        [
            abc(metrics=[REVENUE], scoring_rules=[RULE], report_types=[report], permissions=[permission]),
            plugin("files", importers=[csv]),
        ],
    )

    assert registry.metrics == {"abc.revenue": REVENUE}
    assert registry.scoring_rules == {"abc.class": RULE}
    assert registry.importers == {"csv": csv}
    assert registry.report_types == {"abc.classes": report}
    assert registry.permissions == {**CORE_PERMISSIONS, "abc.run": permission}
    assert registry.declarations.plugin_of("csv") == "files"
    assert registry.declarations.plugin_of("abc.classes") == "abc"


def test_equal_declarations_under_one_name_are_one():
    csv = Importer(name="csv", suffixes=[".csv"], read=read)

    registry = load(Config(), [plugin("a", importers=[csv, evolve(csv)]), plugin("b", importers=[evolve(csv)])])

    assert registry.importers == {"csv": csv}
    assert registry.declarations.plugin_of("csv") == "a"


def test_different_declarations_under_one_name_stop_the_start_and_name_both():
    csv = Importer(name="csv", suffixes=[".csv"], read=read)

    [problem] = refused(plugin("a", importers=[csv]), plugin("b", importers=[evolve(csv, suffixes=[".txt"])]))

    assert (problem.plugin, problem.code) == ("b", "conflict")
    assert problem.message == "declares `csv` as well, and not as plugin a does"


def test_a_plugin_cannot_declare_two_things_under_one_name():
    [problem] = refused(plugin("a", permissions=[Permission("a.run"), Permission("a.run", "other")]))

    assert problem.message == "declares two different things as `a.run`"


def test_a_plugin_that_gives_a_foreign_name_is_broken():
    registry = load(Config(), [plugin("a", permissions=[Permission("b.run")]), plugin("b")])

    [problem] = registry.broken["a"]
    assert problem.hint == "Call it `a.run`."
    assert registry.permissions == CORE_PERMISSIONS
    assert list(registry.plugins) == ["b"]


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"entity": "custmer"}, "there is no entity `custmer`", "Did you mean `customer`?"),
        ({"relation": "order"}, "customer has no `order`", "Did you mean `orders`?"),
        ({"field": "amont"}, "order has no field `amont`", "Did you mean `amount`?"),
        ({"field": "number"}, "order.number is text; expected one of: money, integer, number", None),
        ({"field": "order_date"}, "order.order_date is date", None),
        ({"aggregate": "max", "field": "status"}, "order.status is text", None),
        ({"date_field": "amount"}, "order.amount is money; expected one of: date, instant", None),
        ({"date_field": "order_day"}, "order has no field `order_day`", "Did you mean `order_date`?"),
        ({"date_field": None}, "`days` needs a `date_field`", None),
        ({"days": 0}, "`days` must be positive", None),
        ({"field": None}, "a field to aggregate is missing", None),
        ({"aggregate": "count"}, "`count` counts records and takes no field", None),
        ({"where": "statuss = 'paid'"}, "statuss", None),
        ({"where": "status = "}, "status =", None),
    ],
)
def test_a_metric_that_does_not_fit_is_refused_with_its_reason(changes, said, hint):
    [problem] = refused(abc(metrics=[evolve(REVENUE, **changes)]))

    assert problem.plugin == "abc"
    assert problem.message.startswith("metric abc.revenue: ")
    assert said in problem.message
    assert hint is None or problem.hint == hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "money"}, "an aggregate has the kind of its field and takes no `kind`"),
        ({"aggregate": None}, "a metric has a `relation` and an `aggregate`, or a `query`"),
        ({"relation": None}, "a metric has a `relation` and an `aggregate`, or a `query`"),
        (
            {"query": QUERY, "kind": "money"},
            "a metric of a query takes no `relation`, `aggregate`, `field`, `date_field`",
        ),
        ({**NOTHING, "query": QUERY}, "a metric of a query says its `kind`"),
        ({**NOTHING, "query": QUERY, "kind": "money", "entity": "custmer"}, "there is no entity `custmer`"),
    ],
)
def test_a_metric_is_an_aggregate_or_a_column_of_a_query(changes, said):
    [problem] = refused(abc(metrics=[evolve(REVENUE, **changes)]))

    assert problem.message.startswith("metric abc.revenue: ")
    assert said in problem.message


def test_a_metric_of_a_query_has_the_kind_that_it_says():
    metric = evolve(REVENUE, **NOTHING, query=QUERY, kind="date")
    registry = load(Config(), [abc(metrics=[metric])])

    assert metric_kinds(registry.metrics, registry.entities, "customer")["revenue"] is Kind.DATE


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregate": "count", "field": None},
        {"aggregate": "max", "field": "order_date"},
        {"days": None, "date_field": None},
        {"where": "status = 'completed'"},
        {"relation": "activities", "field": None, "aggregate": "count", "date_field": None, "days": None},
    ],
)
def test_a_metric_that_fits_is_taken(changes):
    metric = evolve(REVENUE, **changes)

    assert load(Config(), [abc(metrics=[metric])]).metrics == {"abc.revenue": metric}


def test_metrics_have_kinds_under_the_full_name_and_under_the_short_one_where_that_is_clear():
    other = evolve(REVENUE, name="rfm.revenue")
    count = evolve(REVENUE, name="rfm.orders_365d", aggregate="count", field=None)
    own = evolve(count, name="rfm.name")
    declared = [plugin("rfm", metrics=[other, count, own]), abc(metrics=[REVENUE])]
    registry = load(Config(), declared)

    assert metric_kinds(registry.metrics, registry.entities, "customer") == {
        "abc.revenue": Kind.MONEY,
        "rfm.revenue": Kind.MONEY,
        "rfm.orders_365d": Kind.INTEGER,
        "orders_365d": Kind.INTEGER,
        "rfm.name": Kind.INTEGER,
    }
    assert metric_kinds(registry.metrics, registry.entities, "order") == {}


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"entity": "custmer"}, "there is no entity `custmer`", "Did you mean `customer`?"),
        ({"field": "abc_clas"}, "customer has no field `abc_clas`", "Did you mean `abc_class`?"),
        ({"field": "name"}, "may not write customer.name", None),
        ({"field": "abc_rule"}, "may not write customer.abc_rule", None),
        ({"field": "abc_score"}, "writes text, and customer.abc_score is number", None),
        ({"otherwise": "D"}, "`D` is not among the values of customer.abc_class", None),
        ({"labels": [Label("AA", "revenue > 1")]}, "`AA` is not among the values", None),
        ({"labels": [Label("B", "turnover > 1")]}, "rule abc.class, label B: ", None),
        ({"labels": [Label("B", "revenue > ")]}, "rule abc.class, label B: ", None),
        ({"labels": [Label("B", "revenue = 'much'")]}, "rule abc.class, label B: ", None),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_with_its_reason(changes, said, hint):
    problems = refused(abc(metrics=[REVENUE], scoring_rules=[evolve(RULE, **changes)]))

    assert len(problems) == 1
    assert problems[0].plugin == "abc"
    assert said in problems[0].message
    assert hint is None or problems[0].hint == hint


def test_a_field_may_be_left_to_one_rule_of_a_plugin():
    rule = evolve(RULE, name="abc.named", field="abc_rule", otherwise=None, labels=[Label("x", "name = 'x'")])

    assert load(Config(), [abc(scoring_rules=[rule])]).scoring_rules == {"abc.named": rule}


def test_two_rules_that_write_one_field_stop_the_start():
    rule = evolve(RULE, labels=[Label("A", "name = 'x'")])

    problems = refused(abc(scoring_rules=[rule, evolve(rule, name="abc.other")]))

    assert [problem.message.partition(":")[0] for problem in problems] == ["rule abc.class", "rule abc.other"]
    assert all("written by more than one rule" in problem.message for problem in problems)


def test_a_condition_from_crm_toml_is_pointed_at_there(tmp_path):
    (tmp_path / "crm.toml").write_text(
        "[plugins]\nenabled = []\n[plugins.abc.classes]\nA = 'revenue > 10'\nB = 'revenu > 1'\n", encoding="utf-8"
    )
    document = {
        "name": "abc",
        "version": "1.0",
        "summary": "x",
        "config": {
            "type": "object",
            "properties": {
                "classes": {"type": "object", "additionalProperties": {"type": "string", "format": "condition"}}
            },
        },
    }

    @hookimpl
    def crm_scoring_rules(settings):
        return [evolve(RULE, labels=[Label(name, text) for name, text in settings["classes"].items()])]

    module = SimpleNamespace(crm_scoring_rules=crm_scoring_rules, crm_metrics=hookimpl(lambda settings: [REVENUE]))
    given = Plugin(manifest=document, module=module, schemas={"customer.extend.json": EXTENSION})

    [problem] = refused(given, config=read_config(tmp_path / "crm.toml"))

    assert (problem.file, problem.line, problem.pointer) == (tmp_path / "crm.toml", 5, "plugins.abc.classes.B")
    assert problem.plugin == "abc"
    assert "rule abc.class, label B" in problem.message


def test_a_metric_of_a_report_plugin_that_does_not_fit_breaks_it_and_what_requires_it():
    registry = load(
        Config(),
        [
            plugin(
                "sums",
                metrics=[evolve(REVENUE, name="sums.revenue", field="amont")],
                permissions=[Permission("sums.run")],
            ),
            plugin("more", manifest={"requires": ["sums"]}, permissions=[Permission("more.run")]),
            abc(metrics=[REVENUE]),
        ],
    )

    assert set(registry.broken) == {"sums", "more"}
    assert list(registry.metrics) == ["abc.revenue"]
    assert registry.permissions == CORE_PERMISSIONS


def test_a_rule_that_uses_a_metric_of_a_broken_plugin_stops_the_start():
    sums = plugin("sums", metrics=[evolve(REVENUE, name="sums.turnover", field="amont")])
    rule = evolve(RULE, labels=[Label("A", "turnover > 1000")])

    [problem] = refused(sums, abc(scoring_rules=[rule]))

    assert problem.plugin == "abc"


def test_a_guard_that_fails_is_reported_without_the_rules_that_miss_its_metrics():
    def fail():
        raise RuntimeError("no luck")

    guard = plugin("guard", schemas={}, metrics=[evolve(REVENUE, name="guard.turnover")], manifest={"after": ["abc"]})
    failing = evolve(
        guard,
        module=SimpleNamespace(**vars(guard.module), crm_permissions=hookimpl(fail)),
        schemas={"order.extend.json": {"$schema": "urn:crmcore:extension:1", "properties": {"x": {"type": "boolean"}}}},
    )
    rule = evolve(RULE, labels=[Label("A", "turnover > 1000")])

    with pytest.raises(PluginError) as caught:
        load(Config(), [failing, abc(scoring_rules=[rule])])

    assert caught.value.plugin == "guard"
