"""The benchmarks measure what they say: arithmetic and judgement by hand, each work once at a tiny size."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import company, customers, measuring, page, results
from benchmarks.__main__ import main
from benchmarks.figures import Figure, Options
from benchmarks.measuring import Failed, Missing
from benchmarks.works import OPTIONAL, WORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE = 0.002
NEEDS_POSTGRESQL = ("import_postgres", "scoring_postgres")


def figure(**given: object) -> Figure:
    return Figure(**{"work": "count", "against": "fingers", "ours": [2.0], "theirs": [1.0], **given})


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """A folder that the server's user may look into too, as it may not into those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="crmcore-benchmarks-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "work", [pytest.param(work, marks=pytest.mark.postgresql if work in NEEDS_POSTGRESQL else ()) for work in WORKS]
)
def test_each_work_gives_figures(work: str, cache: Path) -> None:
    options = Options(scale=SCALE, rounds=1, cache=cache)
    try:
        figures = import_module(f"benchmarks.works.{work}").measure(options)
    except Missing as missing:
        pytest.skip(str(missing))
    assert figures
    for one in figures:
        assert min(*one.ours, *one.theirs) > 0
        assert all(one.checks.values()), one


def test_every_work_is_explained() -> None:
    explained = page.PAGE.read_text(encoding="utf-8")
    assert [work for work in (*WORKS, *OPTIONAL) if f"`{work}`" not in explained] == []


def test_the_page_has_the_figures_of_the_file_beside_it() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    stored = json.loads(page.PAGE.with_suffix(".json").read_text(encoding="utf-8"))
    measured = [results.from_json(one) for one in stored["works"]]
    assert page.table(measured) in text


def test_ratios_are_taken_round_by_round_and_the_median_counts() -> None:
    measured = figure(ours=[2.0, 30.0, 3.0], theirs=[1.0, 10.0, 2.0])
    assert measured.ratios == [2.0, 3.0, 1.5]
    assert measured.ratio == 2.0


def test_a_rate_is_the_better_the_higher() -> None:
    measured = figure(ours=[2.0], theirs=[1.0], form="rate", bar=0.5, aim=1)
    assert measured.ratio == 0.5
    assert (measured.reaches(measured.bar), measured.reaches(measured.aim)) == (True, False)


def test_a_cost_is_what_each_adds() -> None:
    measured = figure(ours=[3.0], theirs=[2.0], form="cost", each=20, bar=0.03)
    assert measured.ratio == pytest.approx(0.025)
    assert measured.passes


def test_slack_is_time_that_is_added_to_the_bar() -> None:
    assert figure(ours=[0.0025], theirs=[0.001], bar=2, slack=0.001).passes
    assert not figure(ours=[0.0035], theirs=[0.001], bar=2, slack=0.001).passes


def test_memory_and_other_checks_are_judged_too() -> None:
    assert figure(bar=2, peak=200, peak_bar=200, checks={"equal": True}).passes
    assert not figure(bar=2, peak=201, peak_bar=200).passes
    assert not figure(bar=2, checks={"equal": False}).passes
    assert figure().passes is None


def test_a_figure_comes_back_from_json() -> None:
    measured = figure(ours=[2.0, 3.0], theirs=[1.0, 1.0], bar=2.5, notes=["by hand"])
    assert Figure.from_json(json.loads(json.dumps(measured.as_json()))) == measured


def test_sides_take_turns_in_both_directions() -> None:
    called: list[str] = []

    def side(name: str) -> object:
        return lambda: called.append(name)

    taken = measuring.in_turns(3, {"a": side("a"), "b": side("b")})
    assert called == ["a", "b", "b", "a", "a", "b"]
    assert {name: len(found) for name, found in taken.items()} == {"a": 3, "b": 3}


def test_a_command_is_measured_in_a_process_of_its_own() -> None:
    code = "import sys, time; held = bytearray(80_000_000); time.sleep(0.05); print(sys.stdin.read() + '!')"
    done = measuring.run([sys.executable, "-c", code], given="well")
    assert done.output == "well!\n"
    assert done.seconds > 0.05
    assert done.peak > 80_000_000


def test_a_command_that_fails_ends_the_work_with_what_it_said() -> None:
    with pytest.raises(Failed, match="ended with 3:\nno way"):
        measuring.run([sys.executable, "-c", "import sys; print('no way'); sys.exit(3)"])
    assert measuring.run([sys.executable, "-c", "import sys; sys.exit(3)"], codes=[3]).output == ""


def test_a_command_that_is_not_there_leaves_a_work_out() -> None:
    with pytest.raises(Missing, match="no-such-command"):
        measuring.run(["no-such-command"])


def test_the_file_of_customers_is_the_same_everywhere(tmp_path: Path) -> None:
    lines = customers.customers_file(tmp_path, 1200).read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(customers.COLUMNS)
    assert lines[1].startswith("C0000000,")
    codes = [line.partition(",")[0] for line in lines[1:]]
    assert len(codes) - len(set(codes)) == 2, "two customers are there twice"
    assert sum("2026-02-30" in line for line in lines) == 1


def test_phones_and_names_of_customers_differ() -> None:
    made = [*islice(customers.rows(20_000, flawless=True), 20_000)]
    for column in ("code", "name", "phone", "email"):
        place = [*customers.COLUMNS].index(column)
        assert len({row[place] for row in made}) == 20_000, column


def test_customers_have_ten_orders_on_average_and_nearly_half_have_one_or_none() -> None:
    orders = [orders for _customer, orders, *_rest in company.rhythms(20_000)]
    assert 9 < sum(orders) / len(orders) < 11
    assert 0.4 < sum(number <= 1 for number in orders) / len(orders) < 0.5
    assert max(orders) == company.MOST_ORDERS


def test_the_bare_table_has_the_columns_and_indexes_that_it_says() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(customers.bare_table() + customers.bare_indexes(filled="{column} <> ''"))
    found = connection.execute("SELECT name FROM pragma_table_info('customer')").fetchall()
    indexes = connection.execute("SELECT count(*) FROM pragma_index_list('customer')").fetchone()
    connection.close()
    assert [name for (name,) in found] == [*customers.COLUMNS]
    assert indexes == (len(customers.INDEXED),)


def test_the_command_keeps_results_and_goes_on_where_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = Options(scale=SCALE, cache=tmp_path)
    results.keep(options, "help", [figure(bar=1.5)])
    assert main(["help", "--resume", "--scale", str(SCALE), "--cache", str(tmp_path)]) == 0
    said = capfd.readouterr().out
    assert "help: measured before" in said
    assert "2.00x (2.00x to 2.00x), bar ≤ 1.5x, aim –: MISSED" in said


def test_an_unknown_work_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["flying", "--cache", str(tmp_path)])
    assert "there is no work 'flying'" in capsys.readouterr().err


def test_figures_are_written_between_the_marks_of_a_page(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    target.write_text(f"# Before\n\n{page.BEGIN}\nold\n{page.END}\n\nafter\n", encoding="utf-8")
    options = Options(scale=SCALE, cache=tmp_path)
    results.keep(options, "help", [figure(bar=2, peak=3_000_000, peak_bar=2_000_000)])
    page.write(results.all_of(options), options, target)
    text = target.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("# Before\n")
    assert text.endswith(f"{page.END}\n\nafter\n")
    row = "| count | fingers | ≤ 2x, 2 MB | – | **2.00x** | 2.00x to 2.00x | 2 s | 1 s | **no** |"
    assert row in text.splitlines()
    assert json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))["customers"] == options.customers
