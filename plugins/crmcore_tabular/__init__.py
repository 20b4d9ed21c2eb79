"""Plugin ``tabular``: a reader of CSV files for ``crmcore import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import hookimpl
from crmcore.types import Importer
from crmcore_tabular.csv_file import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def crm_importers() -> Iterable[Importer]:
    """Declare the reader of CSV."""
    yield Importer(name="csv", suffixes=[".csv"], read=read_csv, titles={"en": "CSV file", "zh-CN": "CSV 文件"})
