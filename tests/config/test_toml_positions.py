from __future__ import annotations

import tomllib
from functools import reduce

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from crmcore.config.positions import toml_lines
from crmcore.schema.positions import step

toml_keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
scalars = st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="utf-8"), max_size=12)
toml_scalars = scalars.filter(lambda value: not isinstance(value, str) or "\x7f" not in value)
toml_documents = st.dictionaries(
    toml_keys,
    st.recursive(
        toml_scalars | st.datetimes(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(toml_keys, inner, max_size=3),
    ),
    max_size=4,
)


def paths(value, above=""):
    yield above
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from paths(below, step(above, key))


@given(toml_documents)
def test_every_toml_path_and_no_other_has_a_line(document):
    text = tomlkit.dumps(document)

    assert set(toml_lines(text)) == set(paths(tomllib.loads(text)))


TOML = '''\
# a = 1
top = "x # no comment"   # a comment with "quotes" and [brackets]
long = """
[not.a.table]
key = 1 \\""" still inside
"""""
raw = \'\'\'
[nor.this]\'\'\'
list = [  # opens
  "one",  # first ]
  { deep = 2, "quo.ted" = [ 1, 2 ] },

  [3],
]
when = 1979-05-27 07:32:00
a.b . "c d" = 1
"" = 0
[table]
'single "quoted"' = true
[ table . "sub.table" ]  # trailing
x = 1
[[orders]]
number = 1
[orders.place]
town = "Foshan"
[[orders]]
number = 2
[[orders.lines]]
n = 1
[[orders.lines]]
n = 2
'''


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_toml_keys_have_their_line_through_comments_strings_tables_and_arrays_of_tables(newline):
    text = TOML.replace("\n", newline)

    lines = toml_lines(text)

    assert set(lines) == set(paths(tomllib.loads(text)))
    expected = {
        ("top",): 2, ("long",): 3, ("raw",): 7, ("list",): 9, ("list", 0): 10, ("list", 1): 11,
        ("list", 1, "deep"): 11, ("list", 1, "quo.ted", 1): 11, ("list", 2): 13, ("list", 2, 0): 13, ("when",): 15,
        ("a", "b", "c d"): 16, ("",): 17, ("table",): 18, ("table", 'single "quoted"'): 19,
        ("table", "sub.table"): 20, ("table", "sub.table", "x"): 21, ("orders",): 22, ("orders", 0): 22,
        ("orders", 0, "number"): 23, ("orders", 0, "place"): 24, ("orders", 0, "place", "town"): 25,
        ("orders", 1): 26, ("orders", 1, "number"): 27, ("orders", 1, "lines", 0): 28,
        ("orders", 1, "lines", 1, "n"): 31,
    }  # fmt: skip
    assert {path: lines[reduce(step, path, "")] for path in expected} == expected


def test_a_table_header_counts_before_the_header_of_a_table_inside_it():
    lines = toml_lines("[a.b]\nx = 1\n[a]\ny = 2\n")

    assert lines["/a"] == 3
