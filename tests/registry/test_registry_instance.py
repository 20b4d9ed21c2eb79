"""Metrics and rules that ``crm.toml`` declares itself: what they become, the fields they bring, and their mistakes."""

from __future__ import annotations

import json
import textwrap

import pytest

from crmcore import CRM, load, read_config, scoring
from crmcore.config import Config
from crmcore.errors import ConfigError, CRMError, PluginError
from crmcore.registry import diagnose
from crmcore.schema.model import Kind
from crmcore.types import Band, Label, Metric, Rank, ScoringRule

GRADE = """
[scoring.grade]
entity = "customer"
field = "grade"
otherwise = "C"
titles = { en = "Grade", zh-CN = "级别" }
[scoring.grade.labels]
A = "visits >= 3"
B = "visits >= 1"
[metrics.visits]
entity = "customer"
relation = "activities"
aggregate = "count"
where = "kind = 'visit'"
date_field = "happened_at"
days = 90
"""


@pytest.fixture
def crm_toml(tmp_path):
    def write(text):
        path = tmp_path / "crm.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def loaded(crm_toml):
    return lambda text: load(read_config(crm_toml(text)))


def problems(path):
    return [(problem.line, problem.pointer, problem.message, problem.hint) for problem in diagnose(path).problems]


def refused(path, of=CRMError):
    with pytest.raises(of) as caught:
        load(read_config(path))
    return str(caught.value)


def test_metrics_and_rules_are_declared_as_a_plugin_called_instance_would(loaded):
    registry = loaded(GRADE)

    assert registry.metrics == {
        "instance.visits": Metric(
            name="instance.visits",
            entity="customer",
            relation="activities",
            aggregate="count",
            where="kind = 'visit'",
            date_field="happened_at",
            days=90,
        )
    }
    assert registry.scoring_rules == {
        "instance.grade": ScoringRule(
            name="instance.grade",
            entity="customer",
            field="grade",
            labels=[Label("A", "visits >= 3"), Label("B", "visits >= 1")],
            otherwise="C",
            titles={"en": "Grade", "zh-CN": "级别"},
        )
    }
    assert registry.declarations.plugin_of("instance.grade") == "instance"


def test_ranks_and_expressions_are_read(loaded):
    registry = loaded(
        """
        [scoring.tier]
        entity = "customer"
        field = "tier"
        rank = { by = "credit_limit", of = "value", where = "kind = 'organisation'", bands = { A = 0.8, B = 1 } }
        [scoring.score]
        entity = "customer"
        field = "points"
        expression = "credit_limit / 100"
        """
    )

    rank = Rank(by="credit_limit", of="value", where="kind = 'organisation'", bands=[Band("A", 0.8), Band("B", 1)])
    assert registry.scoring_rules["instance.tier"].rank == rank
    assert registry.scoring_rules["instance.score"].expression == "credit_limit / 100"
    assert registry.entities["customer"].fields["points"].kind is Kind.NUMBER


def test_the_field_of_a_rule_is_brought_by_an_extension_of_its_own(loaded, crm_toml):
    registry = loaded(GRADE)

    field = registry.entities["customer"].fields["grade"]
    assert (field.kind, field.enum, field.computed_by) == (Kind.TEXT, ("A", "B", "C"), "instance.grade")
    assert (field.index, field.readonly, field.origin) == (True, True, "instance.grade")
    assert (field.title("en"), field.title("zh-CN")) == ("Grade", "级别")
    settings = {
        s.keyword: (s.origin, s.path.endswith("crm.toml"), s.line) for s in registry.provenance["customer"]["grade"]
    }
    assert settings["enum"] == ("instance.grade", True, 7)
    assert settings["x-crm.titles"] == ("instance.grade", True, 6)
    assert settings["type"] == ("instance.grade", True, 4)


@pytest.mark.parametrize("kind", ["number", "money", "integer"])
def test_the_field_of_an_expression_has_the_kind_that_is_asked_for(loaded, kind):
    registry = loaded(
        f"""
        [scoring.room]
        entity = "customer"
        field = "room"
        kind = "{kind}"
        expression = "credit_limit * 2"
        """
    )

    assert registry.entities["customer"].fields["room"].kind is Kind(kind)


def own_field(tmp_path, **field):
    (tmp_path / "schemas").mkdir()
    document = {"$schema": "urn:crmcore:extension:1", "properties": {"grade": field}}
    (tmp_path / "schemas" / "customer.extend.json").write_text(json.dumps(document), encoding="utf-8")


def test_a_field_that_the_instance_declares_itself_is_taken(loaded, tmp_path):
    own_field(tmp_path, type="string", maxLength=9, **{"x-crm": {"computed_by": "instance.grade"}})
    field = loaded(GRADE).entities["customer"].fields["grade"]

    assert (field.origin, field.enum, field.max_length) == ("instance", (), 9)


def test_the_instance_may_say_more_of_a_field_that_a_rule_brings(loaded, tmp_path):
    own_field(tmp_path, **{"x-crm": {"titles": {"en": "Level"}, "aliases": ["level"]}})
    field = loaded(GRADE).entities["customer"].fields["grade"]

    assert (field.origin, field.title("en"), field.title("zh-CN")) == ("instance.grade", "Level", "级别")
    assert (field.aliases, field.enum) == (("level",), ("A", "B", "C"))


def test_a_declared_field_that_does_not_say_so_is_not_written(crm_toml, tmp_path):
    own_field(tmp_path, type="string", maxLength=9)
    ((line, pointer, message, hint),) = problems(crm_toml(GRADE))

    assert (line, pointer) == (4, "scoring.grade.field")
    assert message.startswith("rule instance.grade: it may not write customer.grade")
    assert hint == 'Write in its x-crm: "computed_by": "instance.grade".'


def test_a_field_of_the_core_is_not_taken_over(crm_toml):
    ((line, _pointer, message, _hint),) = problems(crm_toml(GRADE.replace('field = "grade"', 'field = "name"')))

    assert (line, message.partition(":")[0]) == (4, "rule instance.grade")
    assert "it may not write customer.name" in message


@pytest.mark.parametrize(
    ("written", "instead", "line", "said"),
    [
        (
            "visits >= 3",
            "visit >= 3",
            8,
            "rule instance.grade, label A: customer has neither a field nor a metric visit\n",
        ),
        ("visits >= 1", "visits >=", 9, "rule instance.grade, label B: the text ends too early"),
        ('relation = "activities"', 'relation = "visits"', 12, "metric instance.visits: customer has no `visits`"),
        ("kind = 'visit'", "knd = 'visit'", 14, "metric instance.visits: activity has no field knd"),
        ("happened_at", "happend_at", 15, "metric instance.visits: activity has no field `happend_at`"),
        ('date_field = "happened_at"\n', "", 15, "metric instance.visits: `days` needs a `date_field`"),
        ('field = "grade"', 'field = "grade"\nkind = "money"', 5, "rule instance.grade: `kind` is what an"),
        ("[scoring.grade.labels]", 'expression = "1"\n[scoring.grade.labels]', 2, "has `labels`, `expression`"),
        ('aggregate = "count"', 'aggregate = "sum"', 10, "metric instance.visits: a field to aggregate is missing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_pointed_at_in_crm_toml(crm_toml, written, instead, line, said):
    path = crm_toml(GRADE.replace(written, instead, 1))
    found = [(number, message) for number, _pointer, message, _hint in problems(path)]

    assert found[0][0] == line
    assert said in found[0][1]
    assert f"crm.toml:{line}" in refused(path)


@pytest.mark.parametrize(
    ("written", "instead", "line", "said"),
    [
        ('entity = "customer"\nfield', "field", 2, "`entity` is missing"),
        ('otherwise = "C"', "otherwise = 3", 5, "expected a text of at most 60 characters, found 3"),
        ('otherwise = "C"', 'othrwise = "C"', 5, "unknown key `othrwise` (Did you mean `otherwise`?)"),
        ('field = "grade"', 'field = "the__grade"', 4, "expected the name of a field"),
        ("zh-CN", "chinese", 6, "`chinese` cannot be a name here: expected a language"),
        ("days = 90", "days = 0", 16, "expected at least 1, found 0"),
        ('aggregate = "count"', 'aggregate = "avg"', 13, 'expected "count", "sum", "min", "max", found "avg"'),
        ("[metrics.visits]", "[metrics.Visits]", 10, "`Visits` cannot be a name here"),
        ('A = "visits >= 3"', '" " = "visits >= 3"', 8, "` ` cannot be a name here: expected a text of at most 60"),
        ("[metrics.visits]", "[metric.visits]", 10, "unknown key `metric` (Did you mean `metrics`?)"),
        ('A = "visits >= 3"', "A = 3", 8, 'expected a condition such as "annual_revenue >= 1000000", found 3'),
    ],
)
def test_what_is_no_rule_or_metric_at_all_is_refused_while_reading(crm_toml, written, instead, line, said):
    path = crm_toml(GRADE.replace(written, instead, 1))

    with pytest.raises(ConfigError) as caught:
        read_config(path)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert said in str(problem)


def test_bands_are_judged(crm_toml):
    rank = """
    [scoring.tier]
    entity = "customer"
    field = "tier"
    [scoring.tier.rank]
    by = "credit_limit"
    [scoring.tier.rank.bands]
    A = 0.8
    B = 0.5
    """

    assert [(line, pointer) for line, pointer, _message, _hint in problems(crm_toml(rank))] == [
        (9, "scoring.tier.rank.bands.B"),
        (9, "scoring.tier.rank.bands.B"),
    ]
    assert "expected where the band ends" in refused(crm_toml(rank.replace("0.5", "1.5")), ConfigError)
    assert "there is no entity" in refused(crm_toml(rank.replace('"customer"', '"custmer"')))


def test_an_unknown_entity_is_named_once_with_its_line(crm_toml):
    path = crm_toml(GRADE.replace('entity = "customer"', 'entity = "custmer"', 1))

    ((line, _pointer, message, hint),) = problems(path)

    assert (line, message) == (2, 'there is no entity "custmer" to extend')
    assert "customer" in hint


def test_rules_in_a_circle_stop_the_start(crm_toml):
    path = crm_toml(
        """
        [scoring.a]
        entity = "customer"
        field = "a"
        expression = "b + 1"
        [scoring.b]
        entity = "customer"
        field = "b"
        expression = "a + 1"
        """
    )

    assert "instance.b > instance.a > instance.b" in refused(path) or "instance.a > instance.b" in refused(path)


def test_metrics_of_plugins_are_there_for_rules_of_the_instance(loaded):
    registry = loaded(
        """
        [plugins]
        enabled = ["abc"]
        [scoring.size]
        entity = "customer"
        field = "size"
        labels = { big = "revenue_total > 1000", small = "abc.revenue_total > 0" }
        """
    )

    assert "instance.size" in registry.scoring_rules


def test_a_rule_that_misses_the_metric_of_a_disabled_plugin_is_refused(crm_toml):
    path = crm_toml(
        """
        [scoring.size]
        entity = "customer"
        field = "size"
        labels = { big = "revenue_total > 1000" }
        """
    )

    assert "customer has no field revenue_total" in refused(path)


def test_what_fails_in_the_name_of_the_instance_is_said_so(loaded):
    registry = loaded(GRADE)

    def fail():
        raise ZeroDivisionError

    with pytest.raises(PluginError, match=r"instance.* failed in instance\.grade: ZeroDivisionError"):
        registry.attributed("instance.grade", fail)


def test_a_configuration_made_in_code_declares_rules_too(tmp_path):
    rule = {"entity": "customer", "field": "size", "labels": {"big": "name contains 'Ltd'"}, "otherwise": "small"}
    config = Config(database_url=f"sqlite:///{tmp_path / 'crm.db'}", scoring={"size": rule})
    with CRM(load(config)) as crm:
        crm.upgrade()
        with crm.session() as session:
            session.create("customer", {"name": "Acme Ltd"})
            (done,) = [scoring.run(session, one) for one in scoring.rules(crm.registry)]
            assert session.get("customer", 1).size == "big"
    assert done.labels == (("big", 1), ("small", 0))


def test_labels_that_change_are_taken_over_by_the_next_run(crm_toml):
    path = crm_toml(GRADE + '[database]\nurl = "sqlite:///crm.db"\n')

    def labelled():
        with CRM(load(read_config(path))) as crm:
            crm.upgrade()
            with crm.session() as session:
                for rule in scoring.rules(crm.registry):
                    scoring.run(session, rule)
                return [record.grade for record in session.iterate("customer")]

    with CRM(load(read_config(path))) as crm:
        crm.upgrade()
        with crm.session() as session:
            session.create("customer", {"name": "Acme"})
    assert labelled() == ["C"]
    crm_toml(path.read_text(encoding="utf-8").replace('otherwise = "C"', 'otherwise = "cold"'))
    assert labelled() == ["cold"]
