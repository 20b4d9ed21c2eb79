"""The configuration of the demonstration."""

from __future__ import annotations

from crmcore.cli.new_instance import SQLITE, toml
from crmcore.i18n import current_language

__all__ = ["MARK", "TIMEZONE", "configuration"]

TIMEZONE = "Asia/Shanghai"
MARK = "# Made by `crmcore demo`, which replaces this folder when it is called again."

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
enabled = ["tabular", "vcard", "abc", "churn", "sales"]

# Who is A and who is B; everybody else is C. Change a condition, then: crmcore score run
[plugins.abc]
A = "revenue_365d >= 300000 or orders_365d >= 15"
B = "revenue_365d >= 60000 and last_order_date >= today() - 180 days"

# Sales people work with their own customers, deals and orders. Li Wei (li.wei) and three others have this role; try:
# crmcore --as li.wei list customer
[roles.sales]
title = "Sales"

[roles.sales.customer]
create = true
read = "owner = me"
update = "owner = me"
hide = ["annual_income", "credit_limit"]  # fields that they may neither see nor set
fixed = ["owner"]  # fields that they may see and not set

[roles.sales.opportunity]
create = true
read = "owner = me"
update = "owner = me"

[roles.sales.order]
read = "customer.owner = me"

[roles.sales.activity]
create = true
read = true
update = "owner = me"

[roles.sales.user]
read = true

[roles.sales.product]
read = true
"""


def configuration(database: str | None) -> str:
    """Return the text of ``crm.toml``; the database is a file beside it by default."""
    return _CONFIG.format(mark=MARK, language=toml(current_language()), timezone=TIMEZONE, url=toml(database or SQLITE))
