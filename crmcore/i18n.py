"""Translation of what people read: the language of the current context and the lookup in its catalogue.

Catalogues are gettext files in ``crmcore/locale/<language>/LC_MESSAGES/crmcore.mo``. The language is a context
variable, so two threads or two tenants may speak two languages in one process. Titles of entities and fields
are not here: they are declared in schemas, and :func:`title_in` picks one of them.
"""

from __future__ import annotations

import gettext as gettext_module
import os
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "DEFAULT_LANGUAGE",
    "current_language",
    "gettext",
    "languages",
    "ngettext",
    "speak",
    "speaking",
    "title_in",
]

DEFAULT_LANGUAGE = "en"
_LOCALE = Path(__file__).with_name("locale")
_language: ContextVar[str | None] = ContextVar("crmcore_language", default=None)


def languages() -> tuple[str, ...]:
    """Return the languages that the core speaks, English first, as BCP 47 tags (``zh-CN``)."""
    return (DEFAULT_LANGUAGE, *sorted(p.name.replace("_", "-") for p in _LOCALE.glob("*_*") if p.is_dir()))


def current_language() -> str:
    """Return the language of this context: the one set by :func:`speak`, else ``CRMCORE_LANG``, else English."""
    return _language.get() or _normalised(os.environ.get("CRMCORE_LANG", "")) or DEFAULT_LANGUAGE


def speak(language: str | None) -> None:
    """Set the language of this context (``zh-CN`` or ``zh_CN``); None goes back to the environment's."""
    _language.set(_normalised(language) if language else None)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak another language inside a ``with`` block."""
    token = _language.set(_normalised(language))
    try:
        yield
    finally:
        _language.reset(token)


def gettext(message: str) -> str:
    """Return the message in the language of this context; English where no translation is known."""
    return _catalogue(current_language()).gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form of the message that fits the number ``n``."""
    return _catalogue(current_language()).ngettext(singular, plural, n)


def title_in(titles: Mapping[str, str], fallback: str, language: str | None = None) -> str:
    """Return the title in a language (default: this context's), else the English one, else ``fallback``."""
    wanted = language or current_language()
    return titles.get(wanted) or titles.get(DEFAULT_LANGUAGE) or fallback


def _normalised(tag: str) -> str:
    language, _, region = tag.partition(".")[0].replace("_", "-").partition("-")
    return f"{language.lower()}-{region.upper()}" if region else language.lower()


@cache
def _catalogue(language: str) -> gettext_module.NullTranslations:
    return gettext_module.translation("crmcore", _LOCALE, [language.replace("-", "_")], fallback=True)
