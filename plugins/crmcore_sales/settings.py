"""From the settings in ``crm.toml`` to pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.types import Pipeline, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_STAGE = ("win_rate", "kind", "required", "moves", "max_days")
_OF_PIPELINE = ("entity", "field", "amount", "started", "expected", "closed", "titles")


def pipelines_in(settings: Mapping[str, Any], entity: str | None = None) -> Mapping[str, Pipeline]:
    """Return the pipelines by their names in the settings; of an entity only those of its records."""
    written = settings["pipelines"].items()
    return {name: _pipeline(name, table) for name, table in written if entity in (None, table["entity"])}


def _pipeline(name: str, table: Mapping[str, Any]) -> Pipeline:
    given = {key: table[key] for key in _OF_PIPELINE if key in table}
    return Pipeline(name=f"sales.{name}", stages=[_stage(stage) for stage in table["stages"]], **given)


def _stage(table: Mapping[str, Any]) -> Stage:
    """Return a stage; what is won is counted in full where no win rate is given."""
    given = {key: table[key] for key in _OF_STAGE if key in table}
    if table.get("kind") == "won":
        given.setdefault("win_rate", 1.0)
    return Stage(name=table["name"], **given)
