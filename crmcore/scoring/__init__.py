"""Scoring: running the rules that plugins and ``crm.toml`` declare, and explaining what they say of one record.

In a run the metrics of all rules are laid into temporary tables first, one for each source. Then one statement gives
all values that do not depend on each other: labels become a CASE over the entity and its metrics, ranks limits of
their bands. The second write door stores what differs. The three shapes are :mod:`crmcore.scoring.labels`',
:mod:`crmcore.scoring.ranks`' and :mod:`crmcore.scoring.calculations`'.
"""

from crmcore.scoring.explaining import explain
from crmcore.scoring.results import Decision, Explanation, Place, ScoringRun, Standing, Summary
from crmcore.scoring.running import rules, run, run_all, run_rules

__all__ = [
    "Decision",
    "Explanation",
    "Place",
    "ScoringRun",
    "Standing",
    "Summary",
    "explain",
    "rules",
    "run",
    "run_all",
    "run_rules",
]
