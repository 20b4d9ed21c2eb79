"""What the fuzz tests share: how many examples, how long one may take, and valid texts and files that go wrong.

An example is a valid document and a few edits of it, so that Hypothesis can make it small. Among the pieces that edits
put in are those that readers have stumbled over: marks, NUL, quotes, halves of characters, numbers without end.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmcore.errors import PluginError, ProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from crmcore.errors import CRMError

__all__ = ["SECONDS", "changed_bytes", "changed_json", "changed_text", "fuzz", "in_time", "said_on_purpose"]

SECONDS = 20
"""Of one example: a hundred times what any needs, so that a busy machine fails no test."""

PIECES = (
    "", "\0", "\n", "\r", "\r\n", "\t", "\v", "\x85", "\u2028", " ", '"', '""', "'", "`", ",", ";", ":", "=", ".",
    "..", "\\", "\\n", "\\u0000", "\\ud800", "{", "}", "[", "]", "(", ")", "[[", "]]", "<", ">", "&", "#", "%", "%s",
    "{0}", "$", "-", "+", "*", "?", "^", "|", "~", "/", "//", "../../etc", "@", "\ufeff", "\ufffe", "\U0001f600",
    "客户", "ﬀ", "İ", "0", "-1", "1e999", "-0", "NaN", "Infinity", "9" * 25, "9" * 5_000, "0." + "0" * 400 + "1",
    "true", "null", "name", "x" * 300, "x" * 5_000, "9999-99-99", "0000-01-01", "2026-02-30", "=1+1", "$ref", "x-crm",
    "__proto__", "__class__",
)  # fmt: skip
"""What edits put into texts."""
_RAW = (
    *(bytes([one]) for one in (0, 9, 10, 13, 34, 127, 128, 192, 237, 254, 255)),
    b"\xff\xfe",
    b"\xfe\xff\0",
    b"\xed\xa0\x80",
)


def fuzz(examples: int, *strategies: Any, **named: Any) -> Callable[[Any], Any]:
    """Give a test examples: so many as its share of the suite's time allows, or as many as FUZZ says."""
    wanted = settings(
        max_examples=int(os.environ.get("FUZZ", examples)), deadline=None, suppress_health_check=list(HealthCheck)
    )

    def decorate(test: Any) -> Any:
        return wanted(given(*strategies, **named)(test))

    return decorate


@contextmanager
def in_time(seconds: int = SECONDS) -> Iterator[None]:
    """Fail where the block takes longer than it may."""

    def fail(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def said_on_purpose(error: CRMError) -> None:
    """Check that an error is one for people, and no mistake of a program."""
    if isinstance(error, PluginError):
        raise error
    assert error.message
    assert not isinstance(error, ProblemsError) or all(map(str, error.problems))


_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "cut", "replace", "double", "end", "many"]),
        st.integers(0, 4_000),
        st.integers(1, 60),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=5,
)


def _changed(content: Any, edits: Sequence[tuple[str, int, int, int]], pieces: Sequence[Any]) -> Any:
    for kind, where, length, which in edits:
        at, piece = where % (len(content) + 1), pieces[which % len(pieces)]
        before, inside, after = content[:at], content[at : at + length], content[at + length :]
        content = {
            "put": lambda b=before, i=inside, a=after, p=piece: b + p + i + a,
            "cut": lambda b=before, a=after: b + a,
            "replace": lambda b=before, a=after, p=piece: b + p + a,
            "double": lambda b=before, i=inside, a=after: b + i + i + a,
            "end": lambda b=before: b,
            "many": lambda b=before, i=inside, a=after, p=piece, n=length: b + p[:8] * n * 20 + i + a,
        }[kind]()
    return content


def changed_text(*seeds: str, words: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Return texts that were valid once; `words` are put in besides the usual pieces, and oftener."""
    pieces = (*words, *words, *PIECES)
    return st.builds(_changed, st.sampled_from(seeds), _EDITS, st.just(pieces))


def changed_bytes(*seeds: bytes, words: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """Return contents of files that were valid once."""
    pieces = (*words, *words, *_RAW, *(piece.encode() for piece in PIECES))
    return st.builds(_changed, st.sampled_from(seeds), _EDITS, st.just(pieces))


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(PIECES) | st.text(max_size=8)


def changed_json(*seeds: Any, words: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    """Return plain values that were a valid document once: parts of it are others, gone, or have another name."""
    names = sorted({name for seed in seeds for name in _names(seed)} | {"", "x", "客户"})
    parts = [*words, *(part for seed in seeds for part in _parts(seed))]
    other = st.sampled_from(parts) | st.recursive(
        _LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(names) | st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=5,
    )
    edit = st.tuples(st.lists(st.integers(0, 60), max_size=6), st.sampled_from(["set", "set", "cut", "add"]), other,
                     st.sampled_from(names))  # fmt: skip
    return st.builds(_edited, st.sampled_from(seeds), st.lists(edit, min_size=1, max_size=4))


def _edited(document: Any, edits: Sequence[tuple[Sequence[int], str, Any, str]]) -> Any:
    for path, kind, part, name in edits:
        document = _at(document, path, kind, part, name)
    return document


def _at(value: Any, path: Sequence[int], kind: str, part: Any, name: str) -> Any:
    """Return a copy of a value, changed at a path: each step counts members and begins anew behind the last."""
    if not (path and value and isinstance(value, dict | list)):
        if kind == "add" and isinstance(value, dict):
            return {**value, name: part}
        return [*value, part] if kind == "add" and isinstance(value, list) else part
    if isinstance(value, list):
        at = path[0] % len(value)
        inner = [] if kind == "cut" and len(path) == 1 else [_at(value[at], path[1:], kind, part, name)]
        return [*value[:at], *inner, *value[at + 1 :]]
    chosen = list(value)[path[0] % len(value)]
    if kind == "cut" and len(path) == 1:
        return {key: member for key, member in value.items() if key != chosen}
    return {**value, chosen: _at(value[chosen], path[1:], kind, part, name)}


def _names(value: Any) -> Iterator[str]:
    for part in _parts(value):
        if isinstance(part, dict):
            yield from part


def _parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part)
