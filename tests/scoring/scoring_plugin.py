"""A plugin given as an object: rules, metrics, and fields of customers that they write."""

from __future__ import annotations

from types import SimpleNamespace

from crmcore import hookimpl, scoring
from crmcore.types import Band, Metric, Plugin, Rank, ScoringRule

EXTENSION = {
    "$schema": "urn:crmcore:extension:1",
    "properties": {
        "tier": {"type": "string", "maxLength": 20, "x-crm": {"computed_by": "demo"}},
        "margin": {"type": "string", "x-crm": {"money": True, "computed_by": "demo"}},
        "points": {"type": "integer", "x-crm": {"computed_by": "demo"}},
        "ratio": {"type": "number", "x-crm": {"computed_by": "demo"}},
        "due": {"type": "string", "format": "date", "x-crm": {"computed_by": "demo"}},
        "size": {"type": "string", "x-crm": {"money": True}},
        "hits": {"type": "integer"},
        "weight": {"type": "number"},
        "since": {"type": "string", "format": "date"},
    },
}
REVENUE = Metric(
    name="demo.revenue", entity="customer", relation="orders", aggregate="sum", field="amount", date_field="order_date"
)


def demo(rules=(), metrics=(), name="demo"):
    """Return a plugin that declares rules and metrics."""
    hooks = {"crm_scoring_rules": lambda settings: rules, "crm_metrics": lambda settings: metrics}
    module = SimpleNamespace(**{hook: hookimpl(function) for hook, function in hooks.items()})
    schemas = {"customer.extend.json": EXTENSION} if name == "demo" else {}
    return Plugin(manifest={"name": name, "version": "1.0", "summary": "x"}, module=module, schemas=schemas)


def rank(by="size", otherwise=None, of="records", where=None, **bands):
    """Return a rule that ranks customers."""
    ends = [Band(value, upto) for value, upto in bands.items()]
    ranking = Rank(by=by, bands=ends, of=of, where=where)
    return ScoringRule(name="demo.tier", entity="customer", field="tier", rank=ranking, otherwise=otherwise)


def customers(crm, **values):
    """Create a customer for each value in a list: ``size=[3, None]``."""
    ((field, each),) = values.items()
    with crm.session() as session:
        session.save_many("customer", [{"name": f"C{n}", field: value} for n, value in enumerate(each, 1)])


def run(crm, as_of=None):
    """Run the first rule and return the run, and the value of its field in every customer."""
    with crm.session() as session:
        (rule, *_more) = scoring.rules(crm.registry)
        done = scoring.run(session, rule, as_of)
        return done, [record[rule.field] for record in session.iterate("customer")]


def explain(crm, id, as_of=None):
    """Explain the first rule for a customer."""
    with crm.session() as session:
        (rule, *_more) = scoring.rules(crm.registry)
        return scoring.explain(session, rule, id, as_of)
