"""One sheet of a workbook, opened: which one, its rows, and what the reader of workbooks leaves out.

Imported only when a workbook is read: it needs python-calamine, which comes with the extra.
"""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from attrs import frozen
from python_calamine import CalamineError, PasswordError, SheetTypeEnum, SheetVisibleEnum, load_workbook

from crmcore import gettext as _
from crmcore_tabular.packages import damaged, encrypted, open_package, too_large
from crmcore_tabular.shared_texts import texts_fit
from crmcore_tabular.sheet_marks import Marks, ods_marks, together_fit, xlsx_marks
from crmcore_tabular.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from python_calamine import CalamineSheet, CalamineWorkbook

    from crmcore_tabular.packages import Package

_ENDINGS = {"XLSX": (".xlsx", ".xlsm"), "ODS": (".ods",), "XLS": (".xls",)}
_MOST_SHEETS = 1_000
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


@frozen
class Sheet:
    """A sheet that has cells."""

    name: str
    kind: str
    """Of the workbook: XLSX, ODS, XLS."""
    rows: CalamineSheet
    marks: Marks

    @property
    def first_column(self) -> int:
        """The column, from 0, of the first cell in every row."""
        return self.rows.start[1] if self.rows.start else 0

    def merged_rows(self) -> dict[int, set[int]]:
        """Return the rows, from 1, in which cells are merged sideways, each with the columns where these start."""
        found: dict[int, set[int]] = {}
        for (row, column), (_row, last) in self.rows.merged_cell_ranges or ():
            if last > column:
                found.setdefault(row + 1, set()).add(column)
        return found


def open_sheet(path: Path, wanted: str | int | None = None) -> Sheet:
    """Open a sheet of a workbook: by name, by number from 1, or the first visible one that has cells.

    Raises:
        Unreadable: the file is no workbook, damaged, protected or too large, or has no such sheet.
    """
    package = open_package(path)
    tables = _tables(package)
    with _explained(path), path.open("rb") as file:
        # By its path it is read piece by piece, but taken for what its name says.
        book = load_workbook(str(path) if path.suffix.lower() in _ENDINGS[package.kind] else file)
    for name in _names(path, book, wanted):
        marks = _marks(package, name) if package.kind == "XLSX" else tables.get(name, Marks())
        with _explained(path):
            rows = book.get_sheet_by_name(name)
        if rows.start is not None:
            return Sheet(name, package.kind, rows, marks)
    message = _("no visible sheet has rows") if wanted is None else _("the sheet {name!r} is empty").format(name=wanted)
    raise Unreadable(path, message, code="empty")


def _names(path: Path, book: CalamineWorkbook, wanted: str | int | None) -> list[str]:
    """Return the names of the sheets that may be the one that is wanted."""
    names = book.sheet_names
    if len(names) > _MOST_SHEETS:
        message = _("the workbook has {found:,} sheets; at most {most:,} are read")
        raise Unreadable(path, message.format(found=len(names), most=_MOST_SHEETS))
    if wanted is None:
        seen, table = SheetVisibleEnum.Visible, SheetTypeEnum.WorkSheet
        return [sheet.name for sheet in book.sheets_metadata if sheet.visible == seen and sheet.typ == table]
    if str(wanted) in names:  # a year, for instance, that the command line takes for a number
        return [str(wanted)]
    number = int(wanted) if str(wanted).isdecimal() else 0
    if 1 <= number <= len(names):
        return [names[number - 1]]
    message = _("there is no sheet {name!r}").format(name=wanted)
    hint = _("Its sheets: {names}.").format(names=", ".join(names))
    raise Unreadable(path, message, hint=hint, code="option")


def _tables(package: Package) -> Mapping[str, Marks]:
    """Return the marks of the sheets of an ODS file, which is read into memory as a whole."""
    try:
        found = ods_marks(package.chunks("content.xml")) if package.kind == "ODS" else {}
    except ValueError as error:
        raise damaged(package.path, str(error)) from error
    for name, marks in found.items():
        if not marks.fits:
            raise too_large(package.path, name)
    if not together_fit(found.values()):
        raise too_large(package.path, ", ".join(found))
    return found


def _marks(package: Package, sheet: str) -> Marks:
    """Return the marks of a sheet of an XLSX file."""
    try:
        part = _part_of(package, sheet)
        marks = xlsx_marks(package.chunks(part), package.chunks(part))
        texts = [name for name in package.parts if name.lower().endswith("sharedstrings.xml")]
        fit = all(texts_fit(package.chunks(name), lambda: package.chunks(part)) for name in texts)
    except (ValueError, LookupError, ET.ParseError) as error:
        raise damaged(package.path, str(error)) from error
    if not (marks.fits and fit):
        raise too_large(package.path, sheet)
    return marks


def _part_of(package: Package, sheet: str) -> str:
    """Return the part of an XLSX file that holds a sheet; the workbook names it in two steps."""
    targets = {
        relation.get("Id"): relation.get("Target", "")
        for relation in _tree(package, "xl/_rels/workbook.xml.rels").iter()
    }
    for element in _tree(package, "xl/workbook.xml").iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            relation = element.get(_RELATION) or element.get(_STRICT_RELATION)
            return posixpath.normpath(posixpath.join("/xl", targets.get(relation, ""))).lstrip("/")
    raise ValueError(_("sheet {sheet!r} is not in it").format(sheet=sheet))


def _tree(package: Package, part: str) -> ET.Element:
    parser = ET.XMLParser()  # noqa: S314  # a document type is refused by the check before
    for chunk in package.chunks(part):
        if b"<!DOCTYPE" in chunk:
            raise ValueError(_("it declares a document type"))
        parser.feed(chunk)
    return parser.close()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside the reader of workbooks into a reason."""
    try:
        yield
    except PasswordError:
        raise encrypted(path) from None
    except (CalamineError, ValueError, OSError) as error:
        raise damaged(path, str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust raises is derived from BaseException
            raise
        raise damaged(path, str(error)) from None
