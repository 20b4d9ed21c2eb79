"""Plugin ``wechat``: conversations on WeChat become activities of a kind of their own, and a report counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import hookimpl
from crmcore.types import Importer, ReportType

from acme_wechat.report import PARAMETERS, conversations
from acme_wechat.rows import OPTIONS, read_chats
from acme_wechat.subjects import set_subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmcore.types import Batch, Transaction


@hookimpl
def crm_importers() -> Iterator[Importer]:
    """Declare the format; rejected conversations go to a CSV file, since there is no writer."""
    yield Importer(
        name="wechat",
        suffixes=[".wechat"],
        read=read_chats,
        options=OPTIONS,
        titles={"en": "WeChat chats", "zh-CN": "微信聊天记录"},
    )


@hookimpl
def crm_report_types() -> Iterator[ReportType]:
    """Declare the report."""
    yield ReportType(
        name="wechat.conversations",
        summary="Conversations on WeChat by month, employee and customer",
        titles={"en": "Conversations on WeChat", "zh-CN": "微信沟通统计"},
        parameters=PARAMETERS,
        compute=conversations,
    )


@hookimpl
def crm_before_validate(tx: Transaction, batch: Batch) -> None:
    """Say whom a conversation is about, where nobody has said it: a file knows the contact only."""
    set_subjects(tx, batch, about_customer=tx.settings("wechat")["about_customer"])
