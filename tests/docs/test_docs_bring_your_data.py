"""The page "Bring your data from another CRM", followed with small files that have the oddities of the real ones."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from crmcore.cli import main

PAGE = (Path(__file__).parents[2] / "docs/how-to/bring-your-data.md").read_text(encoding="utf-8")
MAVEN, SHOP, INVOICES = re.split(r"^## (?:A shop|A list)", PAGE, flags=re.MULTILINE)
PRODUCTS = {
    "GTX Basic": 550,
    "GTX Pro": 4821,
    "MG Special": 55,
    "MG Advanced": 3393,
    "GTX Plus Pro": 5482,
    "GTX Plus Basic": 1096,
    "GTK 500": 26768,
}
AGENTS = {"Anna Snelling": "Dustin Brinkmann", "Moses Frase": "Dustin Brinkmann", "Vicki Laflamme": "Celia Rouche"}
ACCOUNTS = """\
account,sector,year_established,revenue,employees,office_location,subsidiary_of
Acme Corporation,technolgy,1996,1100.04,2822,United States,
Cheers,entertainment,1993,4269.9,6472,Philipines,Massive Dynamic
Massive Dynamic,marketing,1989,665.06,1095,United States,Acme Corporation
"""


def crmcore(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def save(section: str, folder: Path) -> None:
    """Save the files of a section: crm.toml in place of the one that was made, and the mappings."""
    for name, text in re.findall(r"Save this as `([^`]+)`.*?```\w+\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    (first, *_others) = re.findall(r"```toml\n(\[instance\].*?)^```", section, re.MULTILINE | re.DOTALL) or [None]
    if first:
        (folder / "crm.toml").write_text(first, encoding="utf-8")


def follow(section: str) -> None:
    """Type the commands of a section but those that make the instance and those that show figures."""
    for block in re.findall(r"```text\n(.*?)```", section, re.DOTALL):
        for line in block.splitlines():
            program, *arguments = line.split()
            if program == "crmcore" and arguments[0] in ("db", "import"):
                crmcore(*arguments, code=1 if "superstore.csv" in line else 0)


@pytest.fixture
def instance(login: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    crmcore("init")
    return tmp_path


def deals(count: int) -> list[list[str]]:
    random = Random(7)
    rows = []
    for number in range(count):
        stage = random.choice(["Won", "Won", "Lost", "Engaging", "Prospecting"])
        product, agent = random.choice([*PRODUCTS]), random.choice([*AGENTS])
        account = random.choice(["Acme Corporation", "Cheers"]) if stage in ("Won", "Lost") else ""
        day = f"{random.randrange(1, 29):02}-{random.randrange(1, 13):02}-2017"
        value = {"Won": str(PRODUCTS[product] + number), "Lost": "0"}.get(stage, "")
        engaged = "" if stage == "Prospecting" else "20-10-2016"
        rows.append([f"D{number:04}", agent, product, account, stage, engaged, day if value else "", value])
    return rows


def test_the_sales_crm_comes_over_and_its_figures_are_those_of_plain_code(instance: Path) -> None:
    save(MAVEN, instance)
    rows = deals(120)
    header = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value"
    files = {
        "sales_teams.csv": "sales_agent,manager,regional_office\n"
        + "".join(f"{agent},{manager},Central\n" for agent, manager in AGENTS.items()),
        "products.csv": "product,series,sales_price\n" + "".join(f"{p},{p[:3]},{n}\n" for p, n in PRODUCTS.items()),
        "accounts.csv": ACCOUNTS,
        "sales_pipeline.csv": "\n".join([header, *(",".join(row) for row in rows)]) + "\n",
    }
    for name, text in files.items():
        (instance / name).write_text(text, encoding="utf-8")
    assert crmcore("check", code=1).startswith("the database is not up to date for:")
    follow(MAVEN)

    figures = subprocess.run([sys.executable, "figures.py"], capture_output=True, check=True, text=True).stdout
    expected = {(quarter, agent): int(amount) for quarter, agent, amount in csv.reader(io.StringIO(figures))}
    report = json.loads(crmcore("report", "run", "sales.won", "--format", "json"))
    found = {(row["period"], row["name"]): Decimal(row["amount"]) for row in report["rows"]}
    assert found == expected
    assert len(found) > 8

    opened = [row for row in rows if row[4] in ("Engaging", "Prospecting")]
    board = json.loads(crmcore("pipeline", "board", "--json", "--from", "2017-01-01", "--to", "2017-12-31"))
    stages = {stage["stage"]: stage for stage in board["stages"]}
    rates = {"Engaging": Decimal("0.6"), "Prospecting": Decimal("0.05")}
    weighted = sum(PRODUCTS[row[2]] * rates[row[4]] for row in opened)
    assert Decimal(board["forecast"]) == sum(expected.values()) + weighted
    assert stages["engaging"]["records"] + stages["prospecting"]["records"] == len(opened)

    customers = {c["name"]: c for c in json.loads(crmcore("list", "customer", "--json"))["records"]}
    assert customers["Acme Corporation"]["industry"] == "technology"
    assert customers["Cheers"]["country"] == "Philippines"
    assert customers["Cheers"]["parent"] == customers["Massive Dynamic"]["id"]
    assert customers["Acme Corporation"]["annual_revenue"] == "1100040000.00"
    users = {u["name"]: u for u in json.loads(crmcore("list", "user", "--json"))["records"] if "name" in u}
    assert users["Moses Frase"]["login"] == "moses.frase"
    assert users["Moses Frase"]["manager"] == users["Dustin Brinkmann"]["id"]


SHOP_HEADER = (
    "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,State,Postal Code,"
    "Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,Discount,Profit"
)


def shop_lines() -> list[list[str]]:
    random = Random(9)
    rows = []
    for number in range(1, 61):
        order, customer, product = number // 3, number // 3 % 7, random.randrange(12)
        who = [f"C-{customer}", f"Customer {customer}", "Consumer", "United States", "Henderson", "Kentucky", "42420"]
        what = [f"P-{product}", "Furniture", "Chairs", f'Chair "{product}", round']
        sales, profit = random.randrange(1, 10**6) / 1000, random.randrange(-(10**6), 10**6) / 10_000
        day = f"{order % 12 + 1}/{order % 28 + 1}/2017"
        figures = [f"{sales}", "2", "0.2", f"{profit}"]
        rows.append([str(number), f"CA-{order}", day, day, "First Class", *who, "South", *what, *figures])
    return rows


@pytest.mark.parametrize("mapped", [True, False])
def test_order_lines_become_orders_and_add_up(instance: Path, mapped: bool) -> None:
    save(SHOP, instance)
    written = io.StringIO()
    csv.writer(written).writerows(shop_lines())
    glued = "Person,Region\r\nAnna Andreadi,West\r\nReturned,Order ID\r\nYes,CA-3\r\n"
    text = f"{SHOP_HEADER}\r\n{written.getvalue()}{glued}"
    (instance / "superstore.csv").write_text(text, encoding="utf-8", newline="")
    if mapped:
        follow(SHOP)
    else:
        crmcore("db", "upgrade")
        crmcore("import", "order", "superstore.csv", "--create-missing", code=1)

    orders = json.loads(crmcore("list", "order", "--json"))["records"]
    rows = shop_lines()
    assert len(orders) == len({row[1] for row in rows})
    assert sum(Decimal(order["amount"]) for order in orders) == sum(Decimal(row[17]) for row in rows)
    assert sum(Decimal(order["profit"]) for order in orders) == sum(Decimal(row[20]) for row in rows)
    (done,) = json.loads(crmcore("import", "list", "--json"))
    assert done["outcomes"]["rejected"] == 4
    products = json.loads(crmcore("list", "product", "--json"))["records"]
    assert {p["code"]: p["name"] for p in products} == {row[13]: row[16] for row in rows}


def test_invoices_come_with_customers_of_which_only_the_number_is_known(instance: Path) -> None:
    (instance / "crm.toml").write_text(
        '[instance]\ncurrency = "GBP"\n[database]\nurl = "sqlite:///crm.db"\n[plugins]\n'
        'enabled = ["tabular", "abc", "churn"]\n',
        encoding="utf-8",
    )
    rows = ["536365,2010-12-01,17850,139.12", "536366,2010-12-01,17850,22.200000000000003", "7,2011-12-01,1,278.73"]
    text = "\n".join(["InvoiceNo,InvoiceDate,CustomerID,TotalPrice", *rows, ""])
    (instance / "mwoitek_online_retail.csv").write_text(text, encoding="utf-8")
    crmcore("db", "upgrade")
    follow(INVOICES)
    orders = json.loads(crmcore("list", "order", "--json"))["records"]
    assert [order["amount"] for order in orders] == ["139.12", "22.20", "278.73"]
    assert len(json.loads(crmcore("list", "customer", "--json"))["records"]) == 2
