"""Plugin tabular: what it declares, and that it works without the packages of its extra."""

from __future__ import annotations

import subprocess
import sys

import jsonschema
import pytest

from crmcore.testing import PluginConformance
from crmcore_tabular import crm_importers

IMPORTERS = {importer.name: importer for importer in crm_importers()}


class TestConformance(PluginConformance):
    plugin = "tabular"


def test_every_suffix_has_one_reader():
    assert {name: importer.suffixes for name, importer in IMPORTERS.items()} == {
        "csv": (".csv", ".tsv", ".txt"),
        "jsonl": (".jsonl", ".ndjson"),
        "xlsx": (".xlsx",),
        "spreadsheet": (".xlsm", ".xls", ".ods"),
    }


def test_formats_that_are_only_read_have_no_writer():
    assert {name for name, importer in IMPORTERS.items() if importer.write is None} == {"spreadsheet"}


@pytest.mark.parametrize("name", list(IMPORTERS))
def test_options_are_a_json_schema_none_of_them_required(name):
    options = IMPORTERS[name].options
    jsonschema.Draft202012Validator.check_schema(options)
    assert list(jsonschema.Draft202012Validator(options).iter_errors({})) == []
    assert list(jsonschema.Draft202012Validator(options).iter_errors({"colour": "red"})) != []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("csv", {"delimiter": "tab", "quote": "none", "header": 3, "encoding": "gb18030"}, {"delimiter": "::"}),
        ("csv", {"delimiter": "|"}, {"header": 0}),
        ("xlsx", {"sheet": "Orders"}, {"sheet": 0}),
        ("xlsx", {"sheet": 2, "header": 5}, {"sheet": ""}),
        ("jsonl", {"encoding": "utf-16"}, {"encoding": ""}),
    ],
)
def test_options_are_judged_by_their_schema(name, good, bad):
    judge = jsonschema.Draft202012Validator(IMPORTERS[name].options)
    assert (judge.is_valid(good), judge.is_valid(bad)) == (True, False)


WITHOUT_EXTRA = """
import sys, pathlib
sys.modules["python_calamine"] = sys.modules["xlsxwriter"] = None
from crmcore.errors import UsageError
from crmcore_tabular import crm_importers
found = {importer.name: importer for importer in crm_importers()}
for name in ("csv", "jsonl"):
    path = pathlib.Path(sys.argv[1]) / f"x.{name}"
    found[name].write(path, ["a"], [["1"]], {})
    header, row = found[name].read(path, {})
    print(dict(row.cells))
path = pathlib.Path(sys.argv[1]) / "x.xlsx"
path.write_bytes(b"")
(problem,) = found["xlsx"].read(path, {})
print(problem.message, problem.hint)
try:
    found["xlsx"].write(path, ["a"], [["1"]], {})
except UsageError as error:
    print(error.message, error.hint)
"""


def test_csv_and_json_lines_need_no_extra_and_workbooks_name_it(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRA, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "{'a': '1'}",
        "{'a': '1'}",
        "reading workbooks needs the package python-calamine Install it: pip install 'crmcore[xlsx]'",
        "writing workbooks needs the package XlsxWriter Install it: pip install 'crmcore[xlsx]'",
    ]


def test_reading_csv_loads_no_package_of_the_extra():
    code = "import sys, crmcore_tabular; print({'python_calamine', 'xlsxwriter', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
