"""Plugin ``tabular``: reads and writes CSV, JSON Lines and workbooks for ``crmcore import`` and ``crmcore export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import hookimpl
from crmcore.types import Importer
from crmcore_tabular import csv_form, jsonl_reading, xlsx_reading
from crmcore_tabular.csv_reading import read_csv
from crmcore_tabular.csv_writing import write_csv
from crmcore_tabular.jsonl_writing import write_jsonl
from crmcore_tabular.xlsx_writing import write_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def crm_importers() -> Iterable[Importer]:
    """Declare the formats of tables."""
    yield Importer(
        name="csv",
        suffixes=[".csv", ".tsv", ".txt"],
        read=read_csv,
        write=write_csv,
        options=csv_form.OPTIONS,
        titles={"en": "CSV file", "zh-CN": "CSV 文件"},
    )
    yield Importer(
        name="jsonl",
        suffixes=[".jsonl", ".ndjson"],
        read=jsonl_reading.read_jsonl,
        write=write_jsonl,
        for_programs=True,
        options=jsonl_reading.OPTIONS,
        titles={"en": "JSON Lines", "zh-CN": "JSON Lines 文件"},
    )
    yield Importer(
        name="xlsx",
        suffixes=[".xlsx"],
        read=xlsx_reading.read_xlsx,
        write=write_xlsx,
        options=xlsx_reading.OPTIONS,
        titles={"en": "Excel workbook", "zh-CN": "Excel 工作簿"},
    )
    yield Importer(  # for itself, since Excel opens no such file that has the contents of an .xlsx
        name="spreadsheet",
        suffixes=[".xlsm", ".xls", ".ods"],
        read=xlsx_reading.read_xlsx,
        options=xlsx_reading.OPTIONS,
        titles={"en": "Other spreadsheet", "zh-CN": "其他电子表格"},
    )
