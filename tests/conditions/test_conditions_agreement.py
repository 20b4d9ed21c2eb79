"""The property that the language stands on: SQLite, PostgreSQL and Python choose the same records."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from conditions_at_random import random_condition, random_world
from conditions_world import World, compiled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmcore.conditions import parse, unparse
from crmcore.conditions import syntax as s
from crmcore.conditions.parser import is_condition

if TYPE_CHECKING:
    from sqlalchemy import Connection

CONDITIONS_PER_WORLD = 25


@given(seed=st.integers(0, 2**48))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_chooses_the_records_that_python_chooses(connection: Connection, seed: int) -> None:
    r = Random(seed)
    world = random_world(r)
    connection.rollback()
    world.store(connection)
    for _ in range(CONDITIONS_PER_WORLD):
        entity = r.choice(("customer", "customer", "order", "activity"))
        node = random_condition(r, entity)
        if disagree(connection, world, entity, node):
            assert smallest_disagreement(connection, world, entity, node) is None


def test_a_condition_that_is_printed_and_read_again_is_the_same() -> None:
    for seed in range(300):
        node = random_condition(Random(seed), "customer")

        assert parse(unparse(node)) == node


def disagree(connection: Connection, world: World, entity: str, node: s.Node) -> tuple[list[int], list[int]] | None:
    condition = compiled(unparse(node), entity)
    sql, python = world.chosen_in_sql(connection, condition), world.chosen_in_python(condition)
    return (sql, python) if sql != python else None


def smallest_disagreement(
    connection: Connection, world: World, entity: str, node: s.Node
) -> tuple[str, tuple[list[int], list[int]] | None]:
    """Return the smallest part of a condition that is decided differently, and how."""
    for part in s.children(node):
        if is_condition(part) and not isinstance(node, s.Any) and disagree(connection, world, entity, part):
            return smallest_disagreement(connection, world, entity, part)
    return unparse(node), disagree(connection, world, entity, node)
