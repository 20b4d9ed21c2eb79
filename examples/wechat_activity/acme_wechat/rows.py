"""From messages to rows: those of one day with one contact are one conversation, which is one activity."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crmcore import EncodingError, detect_encoding
from crmcore.types import Problem, SourceHeader, SourceRow

from acme_wechat.chats import Message, Stray, messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HEADERS = (
    "source",
    "external_id",
    "kind",
    "contact",
    "done_by",
    "happened_at",
    "wechat_day",
    "wechat_messages",
    "summary",
    "body",
)
"""Names of fields, so that no mapping file is needed."""
OPTIONS = {
    "type": "object",
    "properties": {
        "done_by": {
            "type": "string",
            "default": "",
            "description": "Login or name of the user whose chats they are; by default the name of the account.",
        },
        "encoding": {
            "type": "string",
            "default": "",
            "description": "Encoding of the file, gb18030 for instance; found out where nobody says it.",
        },
    },
}
LONGEST_SUMMARY, LONGEST_BODY = 60, 20000
"""Characters of a summary that fit into a line of a list, and of a body that the entity allows."""


def read_chats(path: Path, options: Mapping[str, Any]) -> Iterator[SourceHeader | SourceRow | Problem]:
    """Yield the header, a row for each conversation, and a problem for each line that is no part of one."""
    try:
        encoding = detect_encoding(path, options["encoding"])
    except EncodingError as error:
        yield Problem(message=str(error))
        return
    yield SourceHeader(HEADERS, lines=encoding.lines, form=f"WeChat, {encoding.label}")
    conversation: list[Message] = []
    told: set[str] = set()
    with path.open(encoding=encoding.name) as file:
        for one in messages(file):
            if isinstance(one, Stray):
                yield Problem(message=one.reason, line=one.line, value=one.text)
                continue
            if conversation and _key(one) != _key(conversation[0]):
                yield _row(conversation, options, told)
                conversation = []
            conversation.append(one)
    if conversation:
        yield _row(conversation, options, told)


def _key(message: Message) -> str:
    """Return what recognises a conversation when it is exported again, with more messages perhaps."""
    return f"{message.account.id}/{message.contact.id}/{message.at:%Y-%m-%d}"


def _row(conversation: list[Message], options: Mapping[str, Any], told: set[str]) -> SourceRow | Problem:
    """Return a conversation as a row, or why it is none.

    Args:
        conversation: its messages.
        options: of the importer.
        told: keys of the conversations before it; its own is added.
    """
    first, key = conversation[0], _key(conversation[0])
    texts = [f"{one.at:%H:%M} {one.sender}: {' '.join(one.texts)}" for one in conversation]
    if reason := _disorder(conversation, again=key in told):
        return Problem(message=reason, line=first.line, value="\n".join(texts))
    told.add(key)
    cells = {
        "source": "wechat",
        "external_id": key,
        "kind": "wechat",
        "contact": first.contact.name,
        "done_by": options["done_by"] or first.account.name,
        "happened_at": f"{first.at:%Y-%m-%d %H:%M:%S}",
        "wechat_day": f"{first.at:%Y-%m-%d}",
        "wechat_messages": len(conversation),
        "summary": _shortened(" ".join(first.texts), LONGEST_SUMMARY),
        "body": _shortened("\n".join(texts), LONGEST_BODY),
    }
    return SourceRow(first.line, cells)


def _disorder(conversation: list[Message], *, again: bool) -> str:
    """Return why messages cannot be put together: a day that comes in two pieces would overwrite itself."""
    first = conversation[0]
    shown = f"{first.at:%Y-%m-%d} with {first.contact.name}"
    if again:
        return f"the messages of {shown} are in two places of the file"
    if any(later.at < earlier.at for earlier, later in pairwise(conversation)):
        return f"the messages of {shown} are not in their order"
    return ""


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
