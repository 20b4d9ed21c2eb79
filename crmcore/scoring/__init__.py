"""Scoring: running the rules that plugins and ``crm.toml`` declare, and explaining what they say of one record.

A run is one statement for each rule: labels become a CASE over the entity and its metrics, ranks a window, and the
second write door stores what differs. The three shapes are :mod:`crmcore.scoring.labels`',
:mod:`crmcore.scoring.ranks`' and :mod:`crmcore.scoring.calculations`'.
"""

from crmcore.scoring.explaining import explain
from crmcore.scoring.results import Decision, Explanation, Place, ScoringRun, Standing, Summary
from crmcore.scoring.running import rules, run

__all__ = ["Decision", "Explanation", "Place", "ScoringRun", "Standing", "Summary", "explain", "rules", "run"]
