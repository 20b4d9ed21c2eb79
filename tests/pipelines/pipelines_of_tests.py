"""A pipeline of opportunities for tests, by a plugin of their own."""

from __future__ import annotations

from types import SimpleNamespace

from crmcore import hookimpl
from crmcore.types import Pipeline, Plugin, Stage

STAGES = (
    Stage(name="prospecting", win_rate=0.05, max_days=30),
    Stage(name="engaging", win_rate=0.1, moves=["qualified", "lost"]),
    Stage(name="qualified", win_rate=0.2, required=["amount", "customer"]),
    Stage(name="proposal", win_rate=0.3),
    Stage(name="negotiation", win_rate=0.5),
    Stage(name="contract", win_rate=0.8),
    Stage(name="won", win_rate=1.0, kind="won", required=["amount"], moves=[]),
    Stage(name="lost", kind="lost"),
)
DEALS = Pipeline(
    name="deals.opportunity",
    entity="opportunity",
    field="stage",
    stages=STAGES,
    amount="amount",
    started="start_date",
    expected="expected_close_date",
    closed="closed_date",
)


def plugin(*pipelines, name="deals", schemas=None, **hooks):
    """A plugin that declares pipelines, and implements hooks that listen to opportunities."""
    found = {hook: hookimpl(function) for hook, function in hooks.items()}
    found["crm_pipelines"] = hookimpl(lambda settings: pipelines)
    manifest = {
        "name": name,
        "version": "1.0",
        "summary": "A plugin of a test.",
        "listens": {hook: ["opportunity"] for hook in hooks},
    }
    return Plugin(manifest=manifest, module=SimpleNamespace(**found), schemas=schemas or {})
