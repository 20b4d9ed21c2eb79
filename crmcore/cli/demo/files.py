"""The folder of the demonstration: what is written into it, and whose it is."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from crmcore.cli.demo.config import MARK, configuration
from crmcore.cli.demo.contacts import contacts_vcf
from crmcore.cli.demo.customers import customers_csv
from crmcore.cli.demo.deals import deals_csv
from crmcore.cli.demo.orders import write_orders
from crmcore.cli.new_instance import make_folder, write_text
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PAGE", "missing_extras", "write_files"]

PAGE = "report.html"
_EXTRAS = {"xlsx": ("python_calamine", "xlsxwriter"), "charts": ("vl_convert",)}
_MADE = ("crm.toml", "crm.db", "crm.db-wal", "crm.db-shm", PAGE)
_INPUTS = {
    "customer": "customers.csv",
    "contact": "contacts.vcf",
    "opportunity": "deals.csv",
    "order": "orders.xlsx",
}
"""Entity -> the file that has its records, in the order in which they are imported."""


def missing_extras() -> list[str]:
    """Return the extras of the package that are not installed, and that the demonstration would use."""
    return [extra for extra, packages in _EXTRAS.items() if any(find_spec(name) is None for name in packages)]


def write_files(folder: Path, database: str | None, today: dt.date) -> Mapping[str, Path]:
    """Write configuration and files to import into a new folder, or one that an earlier demonstration made.

    Args:
        folder: where they go.
        database: its URL; by default a file in the folder.
        today: the day that the dates of orders and deals are counted from.

    Returns:
        Entity -> the file with its records, in the order in which they are imported. Orders are in a workbook, or in a
        CSV file where what writes and reads workbooks is not installed.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    _clear(folder)
    make_folder(folder)
    inputs = {entity: folder / name for entity, name in _INPUTS.items()}
    if "xlsx" in missing_extras():
        inputs["order"] = inputs["order"].with_suffix(".csv")
    write_text(folder / "crm.toml", configuration(database))
    try:
        inputs["customer"].write_bytes(customers_csv(today))
        write_text(inputs["contact"], contacts_vcf())
        write_text(inputs["opportunity"], deals_csv(today))
        write_orders(inputs["order"], today)
    except OSError as error:
        raise UsageError(_("{folder} cannot be used: {reason}").format(folder=folder, reason=error)) from error
    return inputs


def _clear(folder: Path) -> None:
    """Remove what an earlier demonstration wrote; refuse a folder of somebody else's."""
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return
        mark = folder / "crm.toml"
        if not mark.is_file() or not mark.read_text(encoding="utf-8").startswith(MARK):
            raise UsageError(
                _("{folder} is not empty").format(folder=folder),
                hint=_("Name another folder: crmcore demo DIR"),
            )
        for name in [*_MADE, *_INPUTS.values(), "orders.csv"]:
            (folder / name).unlink(missing_ok=True)
        for rejects in folder.glob("*.rejects*"):
            rejects.unlink()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(_("{folder} cannot be used: {reason}").format(folder=folder, reason=error)) from error
