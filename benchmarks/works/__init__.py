"""The works that are measured, each a module with a function ``measure(options)`` that returns its figures."""

__all__ = ["OPTIONAL", "WORKS"]

WORKS = (
    "import_sqlite",
    "import_postgres",
    "one_at_a_time",
    "scoring_sqlite",
    "scoring_postgres",
    "listing",
    "help",
    "hooks",
)
OPTIONAL = ("tryton",)
"""Peers that take long; they are measured when they are asked for by name."""
