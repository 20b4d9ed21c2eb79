"""The headers that cards are read under, and other words for them that files are written from."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GENDERS", "HEADERS", "KINDS", "header_of"]

HEADERS: Mapping[str, tuple[str, ...]] = {
    "name": ("姓名", "客户名称"),
    "kind": ("主体类型",),
    "salutation": ("form of address", "称呼"),
    "customer": ("客户",),
    "department": ("部门",),
    "job_title": ("职务",),
    "phone": ("电话",),
    "mobile": ("手机号码",),
    "email": ("电子邮箱",),
    "wechat": ("微信号",),
    "address": ("地址",),
    "gender": ("性别",),
    "birthday": ("出生日期",),
    "anniversary": ("纪念日",),
    "hobbies": ("兴趣爱好",),
    "tags": ("标签",),
    "notes": ("备注",),
}
"""Header -> titles of the field that exports have as headers. The headers are names of fields."""

GENDERS = {"M": "male", "F": "female", "O": "other", "N": "not_stated", "U": "not_stated"}
"""Letter of GENDER (RFC 6350, 6.2.7) -> value of the field."""

KINDS = {"individual": "person", "org": "organisation"}
"""Value of KIND (RFC 6350, 6.1.4) -> value of a customer's field."""


def header_of(written: str) -> str:
    """Return the header that a column's own means, or an empty text."""
    return _KNOWN.get(_compared(written), "")


def _compared(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


_KNOWN = {_compared(word): header for header, words in HEADERS.items() for word in (header, *words)}
