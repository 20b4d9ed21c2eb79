"""A small instance for tests of commands: a few customers and orders, imported, labelled, and two sales people."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from small_companies import customers_csv
from small_orders import orders_csv

from crmcore import scoring
from crmcore.cli.new_instance import create_admin, create_database
from crmcore.importing import import_file

if TYPE_CHECKING:
    from pathlib import Path

TIMEZONE = "Asia/Shanghai"
_CONFIG = """\
[instance]
name = "Demo"
language = "en"
timezone = "Asia/Shanghai"  # in which days begin
currency = "CNY"

[database]
url = "sqlite:///crm.db"  # relative to this file, or postgresql://user@host/database

[plugins]
enabled = ["tabular", "abc"]  # tabular reads CSV files, abc labels customers

# Who is A and who is B; everybody else is C. Change a condition, then: crmcore score run
[plugins.abc]
A = "revenue_365d >= 200000 or orders_365d >= 12"
B = "revenue_365d >= 30000 and last_order_date >= today() - 180 days"

# Sales people work with their own customers and orders. Li Wei (li.wei) and Wang Fang (wang.fang) have this role;
# try: crmcore --as li.wei list customer
[roles.sales]
title = "Sales"

[roles.sales.customer]
create = true
read = "owner = me"
update = "owner = me"
hide = ["annual_income", "credit_limit"]  # fields that they may neither see nor set
fixed = ["owner"]  # fields that they may see and not set

[roles.sales.order]
read = "customer.owner = me"

[roles.sales.user]
read = true
"""


def make_instance(folder: Path, login: str) -> None:
    """Make the instance in a new folder."""
    folder.mkdir()
    files = {
        "crm.toml": _CONFIG,
        "customers.csv": customers_csv(),
        "orders.csv": orders_csv(dt.datetime.now(ZoneInfo(TIMEZONE)).date()),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with create_database(folder / "crm.toml") as crm:
        create_admin(crm, login)
        for sales, name in (("li.wei", "李伟"), ("wang.fang", "王芳")):
            create_admin(crm, sales, {"name": name, "roles": ["sales"]})
        import_file(crm, folder / "customers.csv", "customer", actor=login)
        import_file(crm, folder / "orders.csv", "order", actor=login)
        with crm.session(login, source="cli") as session:
            scoring.run(session, *scoring.rules(crm.registry, ["abc.class"]))
