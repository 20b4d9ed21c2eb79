"""Making instances: `crmcore init` and `crmcore demo`."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crmcore.cli.demo import files
from crmcore.cli.demo.companies import companies
from crmcore.cli.demo.customers import customers_csv
from crmcore.cli.demo.deals import deals_csv
from crmcore.cli.demo.orders import write_orders

if TYPE_CHECKING:
    from cli_surroundings import Run


def test_a_new_instance_has_its_maker_as_administrator(tmp_path: Path, run: Run) -> None:
    made = run("init", "mine")
    assert made.stdout.startswith("mine/crm.toml written, database made; ada is its administrator\n")
    user = json.loads(run("--config", "mine/crm.toml", "show", "user:1", "--json").stdout)
    assert (user["login"], user["roles"]) == ("ada", ["admin"])
    assert run("--config", "mine/crm.toml", "check").stdout == "no problems\n"


def test_the_administrator_may_be_somebody_else(tmp_path: Path, run: Run) -> None:
    run("--as", "li.wei", "init")
    assert json.loads(run("--as", "li.wei", "show", "user:1", "--json").stdout)["login"] == "li.wei"
    run("list", "customer", code=6)


def test_the_configuration_explains_itself_and_what_it_comments_out_is_sound(empty: Path, run: Run) -> None:
    text = Path("crm.toml").read_text(encoding="utf-8")
    assert text.startswith("# The configuration of a crmcore instance.")
    examples = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE).replace('plugin_dirs = ["my_plugins"]', "")
    assert "\n[roles.sales.customer]" in examples
    enabled = re.sub(r"^enabled = \[", 'enabled = ["abc", ', examples, flags=re.MULTILINE)  # whose settings they are
    Path("crm.toml").write_text(enabled, encoding="utf-8")
    run("db", "upgrade")
    assert run("check").stdout == "no problems\n"


@pytest.mark.parametrize("name", ['it\'s "mine"', "我的客户", "a\\b"])
def test_a_folder_may_have_any_name(tmp_path: Path, run: Run, name: str) -> None:
    run("init", name)
    run("--config", f"{name}/crm.toml", "list", "customer")


def test_an_instance_is_never_overwritten(empty: Path, run: Run) -> None:
    before = Path("crm.toml").read_bytes()
    assert "crm.toml is there already" in run("init", code=2).stderr
    assert Path("crm.toml").read_bytes() == before


def test_a_configuration_that_came_without_a_database_is_taken_up(empty: Path, run: Run) -> None:
    text = Path("crm.toml").read_text(encoding="utf-8").replace("crm.db", "other.db")
    Path("crm.toml").write_text(text, encoding="utf-8")
    run("db", "upgrade")

    assert "Nobody is known here yet: `crmcore init` makes you" in run("list", "customer", code=6).stderr
    assert run("init").stdout == "crm.toml was there, database made; ada is its administrator\n"

    assert run("list", "user", "--json").stdout.count("login") == 1
    assert "crm.toml is there already" in run("init", code=2).stderr
    assert Path("crm.toml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql://root@localhost/crm", 3, "expected a database that begins with sqlite:/// or postgresql://"),
        ("env:NOT_SET_ANYWHERE", 3, "the environment variable NOT_SET_ANYWHERE is not set"),
        ("sqlite:///nowhere/crm.db", 8, "nowhere"),
    ],
)
def test_an_instance_without_a_database_is_not_left_half_made(
    tmp_path: Path, run: Run, url: str, code: int, said: str
) -> None:
    assert said in run("init", "--database", url, code=code).stderr
    assert not Path("crm.toml").exists()
    run("init")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, run: Run) -> None:
    Path("file").write_text("x", encoding="utf-8")
    assert "cannot be written" in run("init", "file/inside", code=2).stderr


def test_an_instance_is_made_on_either_database(tmp_path: Path, run: Run, database_url: str) -> None:
    run("init", "--database", database_url)
    run("create", "customer", "--set", "name=佛山企业电子")
    assert "佛山企业电子" in run("list", "customer", "--where", "name contains '电子'").stdout


def test_the_demonstration_shows_the_same_on_either_database(tmp_path: Path, run: Run, database_url: str) -> None:
    lines = run("demo", "--database", database_url).stdout.splitlines()
    assert "demo/customers.csv (CSV, GB18030, commas): 120 created, 1 unchanged, 3 rejected" in lines
    assert '  line 32, 成立日期: expected a date such as 2026-11-21, found "2005-02-30"' in lines
    assert "demo/orders.xlsx (XLSX, sheet 订单明细): 2,490 created, 3 rejected" in lines
    assert "  created along: order 1,230, order_line 2,490, product 10" in lines
    assert "abc.class: A 7, B 34, C 79 (120 changed)" in lines
    assert "A              7                5.8%  6,873,314.00             60.5%" in lines
    assert "opportunity:52 南京新厂设备: Contract → Won" in lines
    assert "6 reports with charts: demo/report.html" in lines
    page = Path("demo/report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 6
    assert "有限公司" in page


def test_without_the_extras_the_demonstration_names_them_and_goes_on(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.util import find_spec

    absent = {"vl_convert", "xlsxwriter", "python_calamine"}
    monkeypatch.setattr(files, "find_spec", lambda name: None if name in absent else find_spec(name))
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    made = run("demo")
    assert "`crmcore[xlsx]` is not installed" in made.stderr
    assert "`crmcore[charts]` is not installed" in made.stderr
    assert "demo/orders.csv (CSV, UTF-8, commas): 2,490 created, 3 rejected" in made.stdout.splitlines()
    assert Path("demo/report.html").is_file()


def test_every_line_of_the_demonstration_fits_a_terminal(tmp_path: Path, run: Run) -> None:
    cell_len = pytest.importorskip("rich.cells").cell_len
    assert [line for line in run("demo").stdout.splitlines() if cell_len(line) > 80] == []


def test_what_the_demonstration_proposes_works(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    lines = run("demo", "my demo").stdout.splitlines()
    steps = [shlex.split(line, comments=True) for line in lines[lines.index("Now try:") + 1 :]]
    assert steps[0] == ["cd", "my demo"]
    monkeypatch.chdir("my demo")
    for program, *arguments in steps[1:]:
        assert program == "crmcore"
        run(*arguments)


def test_a_program_that_the_shell_does_not_find_is_put_on_its_path_first(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    lines = run("demo").stdout.splitlines()
    assert lines[lines.index("Now try:") + 1] == f'  PATH="{Path(sys.executable).parent}:$PATH"'


def test_the_readme_shows_what_the_demonstration_prints(tmp_path: Path, run: Run) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("$ make demo\n")[2].partition("```")[0]
    assert len(shown) > 100
    assert shown in run("demo").stdout


def test_a_demonstration_replaces_an_earlier_one(tmp_path: Path, run: Run) -> None:
    first = run("demo").stdout
    Path("demo/own.txt").write_text("kept", encoding="utf-8")
    run("--config", "demo/crm.toml", "update", "customer:1", "--set", "name=Another")
    assert run("demo").stdout == first
    assert Path("demo/own.txt").read_text(encoding="utf-8") == "kept"


def test_a_demonstration_on_a_database_that_has_one_updates_it(tmp_path: Path, run: Run, database_url: str) -> None:
    run("demo", "--database", database_url)
    run("--config", "demo/crm.toml", "update", "customer:1", "--set", "region=华东")
    again = run("demo", "--database", database_url).stdout
    assert "demo/customers.csv (CSV, GB18030, commas): 1 updated, 120 unchanged, 3 rejected" in again
    assert "demo/orders.xlsx (XLSX, sheet 订单明细): 2,490 unchanged, 3 rejected" in again
    assert "abc.class: A 7, B 34, C 79 (0 changed)" in again


@pytest.mark.parametrize("content", ["", "# Made by hand\n"])
def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path, run: Run, content: str) -> None:
    Path("demo").mkdir()
    Path("demo/crm.toml").write_text(content, encoding="utf-8")
    assert "demo is not empty" in run("demo", code=2).stderr
    assert Path("demo/crm.toml").read_text(encoding="utf-8") == content


def test_a_file_is_no_folder_for_a_demonstration(tmp_path: Path, run: Run) -> None:
    Path("demo").write_text("x", encoding="utf-8")
    run("demo", code=2)


def test_orders_differ_from_day_to_day_in_their_dates_only(tmp_path: Path) -> None:
    def table(today: dt.date) -> list[list[str]]:
        path = tmp_path / "orders.csv"
        write_orders(path, today)
        return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))[1:-3]

    first, later = table(dt.date(2026, 11, 21)), table(dt.date(2028, 2, 29))
    assert [[*row[:2], *row[3:]] for row in first] == [[*row[:2], *row[3:]] for row in later]
    assert max(row[2] for row in first) <= "2026-11-21"
    assert max(row[2] for row in later) <= "2028-02-29"


def test_the_files_of_the_demonstration_are_what_they_say() -> None:
    today = dt.date(2026, 11, 21)
    lines = customers_csv(today).decode("gb18030").splitlines()
    assert "2005-02-30" in lines[31]
    assert len({company.name for company in companies()}) == 120
    assert len(deals_csv(today).splitlines()) == 96
