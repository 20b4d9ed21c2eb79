"""From the properties of a card to the cells of a contact. Whatever has no field of its own goes into the notes.

The notes say it in the words of the card (``TEL (home): ...``): they do not depend on who imports, in which language.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore_vcard.address import CHINESE, written_address
from crmcore_vcard.properties import list_of
from crmcore_vcard.vocabulary import GENDERS, KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crmcore_vcard.entries import Entry

    Entries = Mapping[str, Sequence[Entry]]

__all__ = ["FIELD", "FIELD_HEADER", "cells_of", "is_group"]

FIELD, FIELD_HEADER = "X-CRMCORE-FIELD", "X-HEADER"
"""Property and parameter that keep what no property of the standard is for."""

_MOBILE = frozenset({"cell", "mobile", "iphone", "手机", "移动电话"})
_NO_PHONE = re.compile("fax|pager|modem|bbs|textphone|传真")
_WORK = frozenset({"work", "main", "工作", "公司", "单位"})
_CHINESE_MOBILE = re.compile(r"(\+?86)?1[3-9][0-9]{9}", re.ASCII)
_WECHAT = frozenset({"wechat", "weixin", "wx", "微信"})
_WECHAT_PROPERTIES = ("X-WECHAT", "X-WEIXIN", "X-WX", "X-WECHAT-ID")
_MESSENGER = re.compile(r"X-(?:TENCENT-)?(QQ|SKYPE|MSN|ICQ|AIM|JABBER|YAHOO|DINGTALK|WHATSAPP)(-.*)?")
_ANNIVERSARIES = ("ANNIVERSARY", "X-ANNIVERSARY", "X-EVOLUTION-ANNIVERSARY")
_HOBBIES = ("HOBBY", "INTEREST")
_REMARKS = ("NICKNAME", "ROLE", "URL", "RELATED", "X-ALTBDAY")
"""Properties that the notes keep as they are."""


@frozen
class _Cells:
    """The cells of a card while they are collected, and what has no cell of its own."""

    cells: dict[str, Any] = field(factory=dict)
    remarks: list[str] = field(factory=list)

    def put(self, header: str, value: Any) -> None:
        """Fill a cell that is empty."""
        if value:
            self.cells.setdefault(header, value)

    def put_first(self, header: str, entries: Iterable[Entry], said: Callable[[Entry], str]) -> None:
        """Fill a cell with the first entry, and keep the others for the notes."""
        for entry in entries:
            value = said(entry)
            self.put(header, value)
            if value and value != self.cells[header]:
                self.remarks.append(entry.remark(value))


def is_group(entries: Entries) -> bool:
    """Return whether the card is a list of other cards."""
    kinds = (*entries.get("KIND", ()), *entries.get("X-ADDRESSBOOKSERVER-KIND", ()))
    return any(entry.value.lower() == "group" for entry in kinds)


def cells_of(entries: Entries) -> dict[str, Any]:
    """Return the cells of a contact by header; without ``name`` where the card names nobody."""
    found = _Cells()
    _names(found, entries)
    _employment(found, entries)
    _phones(found, entries.get("TEL", ()))
    found.put_first("email", _preferred(entries.get("EMAIL", ())), _address_of)
    _addresses(found, entries)
    _messengers(found, entries)
    _person(found, entries)
    for name in _REMARKS:
        found.remarks.extend(entry.remark() for entry in entries.get(name, ()) if entry.value)
    for entry in entries.get(FIELD, ()):
        if header := entry.source.parameter(FIELD_HEADER).strip():
            found.put(header, entry.value)
    notes = [entry.value for entry in entries.get("NOTE", ()) if entry.value]
    found.put("notes", "\n".join([*notes, *found.remarks]))
    return found.cells


def _names(found: _Cells, entries: Entries) -> None:
    """Take the formatted name; else the parts of it, the family first and no blank between where they are Chinese."""
    formatted = min(entries.get("FN", ()), key=lambda entry: entry.preference, default=None)
    found.put("name", formatted and formatted.value)
    for entry in entries.get("N", ()):
        family, given, further, before, after, *_more = [*(" ".join(part) for part in entry.parts), *[""] * 5]
        if CHINESE.search(family + given):
            found.put("name", family + given + further)
        else:
            found.put("name", " ".join(part for part in (given, further, family, after) if part))
        found.put("salutation", before)
    for entry in (*entries.get("NICKNAME", ()), *entries.get("ORG", ())):
        found.put("name", " ".join(" ".join(part) for part in entry.parts).strip())


def _employment(found: _Cells, entries: Entries) -> None:
    for entry in _preferred(entries.get("ORG", ())):
        company, *units = [", ".join(part) for part in entry.parts]
        if "customer" in found.cells:
            found.remarks.append(entry.remark(" / ".join(part for part in (company, *units) if part)))
            continue
        found.put("customer", company)
        found.put("department", " / ".join(unit for unit in units if unit))
    found.put_first("job_title", _preferred(entries.get("TITLE", ())), _value)


def _phones(found: _Cells, entries: Sequence[Entry]) -> None:
    """Give the mobile number and the one at work their fields, whichever order they come in."""
    remaining = sorted(entries, key=lambda entry: (entry.preference, not _is(entry, _WORK)))
    mobile = [entry for entry in remaining if _is(entry, _MOBILE)]
    # Old telephones say nothing of what a number is; a Chinese one tells by itself.
    untold = [entry for entry in remaining if not entry.types or set(entry.types) <= {"voice", "pref"}]
    mobile += [entry for entry in untold if not mobile and _CHINESE_MOBILE.fullmatch(_digits(entry))]
    phones = [entry for entry in remaining if entry not in mobile and not _NO_PHONE.search(" ".join(entry.types))]
    found.put_first("mobile", mobile, _number)
    found.put_first("phone", sorted(phones, key=lambda entry: not _is(entry, _WORK)), _number)
    others = (entry for entry in remaining if entry not in mobile and entry not in phones)
    found.remarks.extend(entry.remark(_number(entry)) for entry in others if entry.value)


def _addresses(found: _Cells, entries: Entries) -> None:
    def written(entry: Entry) -> str:
        return written_address(entry.parts) or entry.source.parameter("LABEL")

    found.put_first("address", _preferred(entries.get("ADR", ())), written)
    if "address" not in found.cells:
        found.put_first("address", _preferred(entries.get("LABEL", ())), _value)


def _messengers(found: _Cells, entries: Entries) -> None:
    for name in _WECHAT_PROPERTIES:
        found.put_first("wechat", entries.get(name, ()), _value)
    for name in ("IMPP", "X-SOCIALPROFILE"):
        for entry in entries.get(name, ()):
            scheme, _colon, handle = entry.value.rpartition(":")
            services = {*entry.types, entry.source.parameter("X-SERVICE-TYPE").lower(), scheme.lower()}
            user = entry.source.parameter("X-USER") or handle
            if services & _WECHAT and "wechat" not in found.cells:
                found.put("wechat", user)
            elif user:
                service = entry.source.parameter("X-SERVICE-TYPE")
                found.remarks.append(f"{service}: {user}" if service else entry.remark())
    for name, those in entries.items():
        if messenger := _MESSENGER.fullmatch(name):
            found.remarks.extend(entry.remark(name=messenger[1]) for entry in those if entry.value)


def _person(found: _Cells, entries: Entries) -> None:
    for entry in entries.get("KIND", ()):
        found.put("kind", KINDS.get(entry.value.lower()))
    for name in ("GENDER", "X-GENDER"):
        for entry in entries.get(name, ()):
            letter, _separator, words = entry.value.partition(";")
            found.put("gender", GENDERS.get(letter.upper(), letter) or words)
    labelled = (entry for entry in entries.get("X-ABDATE", ()) if "anniversary" in entry.types)
    _days(found, "birthday", entries.get("BDAY", ()))
    _days(found, "anniversary", (*(one for name in _ANNIVERSARIES for one in entries.get(name, ())), *labelled))
    other = (entry for entry in entries.get("X-ABDATE", ()) if "anniversary" not in entry.types)
    found.remarks.extend(entry.remark(name="DATE") for entry in other if entry.value)
    for header, names in (("hobbies", _HOBBIES), ("tags", ("CATEGORIES",))):
        those = (entry for name in names for entry in entries.get(name, ()))
        items = list(dict.fromkeys(item for entry in those for item in list_of(entry.text, entry.source.version)))
        found.put(header, items if header == "tags" else ", ".join(items))


def _days(found: _Cells, header: str, entries: Iterable[Entry]) -> None:
    """Take a whole date; a day without a year, or words, are for the notes."""
    for entry in entries:
        found.put(header, entry.day)
        if entry.day is None or entry.day != found.cells[header]:
            omitted = entry.source.parameter("X-APPLE-OMIT-YEAR")
            written = re.sub(f"^{re.escape(omitted)}-?", "--", entry.value) if omitted else entry.value
            found.remarks.extend([entry.remark(written)] if written else [])


def _preferred(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.preference, not _is(entry, _WORK)))


def _is(entry: Entry, words: frozenset[str]) -> bool:
    return not words.isdisjoint(entry.types)


def _value(entry: Entry) -> str:
    return entry.value


def _address_of(entry: Entry) -> str:
    return re.sub("^mailto:", "", entry.value, flags=re.IGNORECASE)


def _number(entry: Entry) -> str:
    """Return a number; RFC 3966 writes it as ``tel:+86-10-1234;ext=5``."""
    if not entry.value.lower().startswith("tel:"):
        return entry.value
    number, *parameters = entry.value[len("tel:") :].split(";")
    extension = next((word[len("ext=") :] for word in parameters if word.lower().startswith("ext=")), "")
    return f"{number} ext. {extension}" if extension else number


def _digits(entry: Entry) -> str:
    return re.sub(r"[ ().-]", "", _number(entry))
