from __future__ import annotations

import itertools
from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from crmcore.manifest import manifest_of
from crmcore.plugins.order import ordered, unmet


def manifests(**after):
    """Manifests by name; a name with a plus sign is required, any other comes before."""
    found = {}
    for name, others in after.items():
        required = [other[1:] for other in others.split() if other[0] == "+"]
        before = [other for other in others.split() if other[0] != "+"]
        document = {"name": name, "version": "1.0", "summary": "x", "requires": required, "after": before}
        found[name] = manifest_of(document)
    return found


def test_what_is_required_or_comes_before_starts_first_and_ties_go_by_name():
    order, problems = ordered(manifests(a="z", b="", z="+m", m="", c="not_enabled"))

    assert order == ("b", "c", "m", "z", "a")
    assert problems == ()


def test_a_cycle_is_named_as_a_chain():
    order, [problem] = ordered(manifests(b="+c", a="+b", c="a", free="", behind="c"))

    assert problem.message == "plugins wait for each other: a -> b -> c -> a"
    assert (problem.pointer, problem.plugin) == ("/requires", "a")
    assert order == ("behind", "free")


def test_every_cycle_is_reported():
    order, problems = ordered(manifests(a="b", b="a", x="+y", y="x a"))

    assert [problem.message.rpartition(": ")[2] for problem in problems] == ["a -> b -> a", "x -> y -> x"]
    assert order == ()


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), max_size=6))
def test_every_plugin_is_behind_those_it_waits_for_unless_there_is_a_cycle(waits):
    found = manifests(**{name: " ".join(sorted(others - {name})) for name, others in waits.items()})

    order, problems = ordered(found)

    try:
        expected = set(TopologicalSorter({name: others - {name} for name, others in waits.items()}).static_order())
    except CycleError:
        expected = None
    enabled_only = {name: (others & waits.keys()) - {name} for name, others in waits.items()}
    try:
        TopologicalSorter(enabled_only).prepare()
    except CycleError:
        assert problems
        return
    assert expected is not None
    assert problems == ()
    assert set(order) == set(waits)
    for first, second in itertools.combinations(order, 2):
        assert second not in waits[first] or first == second


def test_a_required_plugin_that_is_not_enabled_is_named_with_the_command_that_enables_it():
    [problem] = unmet(manifests(churn="+abc"), known={"abc", "churn"})

    assert problem.message == "plugin churn requires abc, which is not enabled"
    assert problem.hint == "`crmcore plugins enable abc` switches it on."


def test_a_required_plugin_that_does_not_exist_gets_a_suggestion():
    [problem] = unmet(manifests(churn="+tabulr"), known={"tabular", "churn"})

    assert problem.hint == "Did you mean `tabular`?"


def versioned(wanted):
    return {"old": manifest_of({"name": "old", "version": "3.1", "summary": "x", "requires_core": wanted})}


def test_a_plugin_for_another_core_is_refused():
    [problem] = unmet(versioned(">=0.5,<1"), known=["old"], core="1.2.0")

    assert problem.message == "plugin old 3.1 works with crmcore >=0.5,<1; this is 1.2.0"
    assert problem.pointer == "/requires_core"


def test_a_plugin_for_this_core_is_taken_prereleases_included():
    assert list(unmet(versioned(">=1,<2"), known=["old"], core="1.2.0rc1")) == []
    assert list(unmet(versioned(""), known=["old"], core="0.0.1")) == []
