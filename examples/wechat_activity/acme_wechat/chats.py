"""The text of an export: whose account it is, with whom, and each message with its line. What becomes of it is `rows`'.

An export looks like this; a text may have several lines, and there may be several contacts in one file::

    账号: 李雷 (wxid_lilei)

    联系人: 王芳 (wxid_wangfang)
    2026-01-12 09:15:02 王芳
    您好，样品收到了。
    2026-01-12 09:16:40 李雷
    太好了！
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ACCOUNT = re.compile(r"账号[:：]\s*(.+?)\s*[(（](\S+?)[)）]\s*")
_CONTACT = re.compile(r"联系人[:：]\s*(.+?)\s*[(（](\S+?)[)）]\s*")
_MESSAGE = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})\s+(\S.*)")


@frozen
class Person:
    """Somebody as WeChat knows them."""

    name: str
    """The remark that the owner of the account has given them, or their nickname."""
    id: str


@define
class Message:
    """A message; its text is collected while its lines are read."""

    line: int
    """Where it begins, from 1."""
    account: Person
    contact: Person
    at: dt.datetime
    sender: str
    texts: list[str] = field(factory=list)


@frozen
class Stray:
    """A line that is no part of any message, and why."""

    line: int
    text: str
    reason: str


def messages(lines: Iterable[str]) -> Iterator[Message | Stray]:
    """Yield the messages in the order of the file, and the lines that belong to none."""
    account = contact = None
    message: Message | Stray | None = None
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        head, owner, other = (pattern.fullmatch(text) for pattern in (_MESSAGE, _ACCOUNT, _CONTACT))
        if (head or owner or other) and message is not None:
            yield message
            message = None
        if owner:
            account, contact = Person(owner[1], owner[2]), None
        elif other:
            contact = Person(other[1], other[2])
        elif head:
            message = _begun(number, account, contact, head)
        elif text and message is None:
            message = Stray(number, text, "expected a message, 账号 or 联系人")
        elif text and isinstance(message, Message):
            message.texts.append(text)  # what follows a stray line goes with it
    if message is not None:
        yield message


def _begun(line: int, account: Person | None, contact: Person | None, head: re.Match[str]) -> Message | Stray:
    if account is None or contact is None:
        return Stray(line, head[0], "nobody has been named before this message: 账号 and 联系人")
    try:
        at = dt.datetime.strptime(head[1], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  # the zone is the instance's
    except ValueError:
        return Stray(line, head[0], f"there is no such day and time: {head[1]}")
    return Message(line, account, contact, at, head[2])
