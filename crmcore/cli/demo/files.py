"""The folder of the demonstration: what is written into it, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.cli.demo.companies import customers_csv
from crmcore.cli.demo.orders import orders_csv
from crmcore.cli.new_instance import SQLITE, make_folder, toml, write_text
from crmcore.errors import UsageError
from crmcore.i18n import current_language
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

__all__ = ["CUSTOMERS", "ORDERS", "TIMEZONE", "write_files"]

CUSTOMERS, ORDERS = "customers.csv", "orders.csv"
TIMEZONE = "Asia/Shanghai"
_MARK = "# Made by `crmcore demo`, which replaces this folder when it is called again."
_MADE = ("crm.toml", CUSTOMERS, ORDERS, f"{CUSTOMERS}.rejects.csv", "crm.db", "crm.db-wal", "crm.db-shm")

_CONFIG = """\
{mark}
# `crmcore check` says what is wrong with it.

[instance]
name = "Demo"
language = {language}
timezone = "{timezone}"  # in which days begin
currency = "CNY"

[database]
url = {url}  # relative to this file, or postgresql://user@host/database

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


def write_files(folder: Path, database: str | None, today: dt.date) -> None:
    """Write configuration, customers and orders into a new folder, or one that an earlier demonstration made.

    Args:
        folder: where they go.
        database: its URL; by default a file in the folder.
        today: the day that the dates of orders are counted from.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    _clear(folder)
    make_folder(folder)
    write_text(
        folder / "crm.toml",
        _CONFIG.format(mark=_MARK, language=toml(current_language()), timezone=TIMEZONE, url=toml(database or SQLITE)),
    )
    write_text(folder / CUSTOMERS, customers_csv())
    write_text(folder / ORDERS, orders_csv(today))


def _clear(folder: Path) -> None:
    """Remove what an earlier demonstration wrote; refuse a folder of somebody else's."""
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return
        mark = folder / "crm.toml"
        if not mark.is_file() or not mark.read_text(encoding="utf-8").startswith(_MARK):
            raise UsageError(
                _("{folder} is not empty").format(folder=folder),
                hint=_("Name another folder: crmcore demo DIR"),
            )
        for name in _MADE:
            (folder / name).unlink(missing_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(_("{folder} cannot be used: {reason}").format(folder=folder, reason=error)) from error
