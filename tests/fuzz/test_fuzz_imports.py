"""Whole imports of damaged files: each ends with its rows saved or rejected, or with a reason, and the CRM goes on."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from fuzzing import changed_bytes, fuzz, in_time, said_on_purpose
from hypothesis import strategies as st

from crmcore.errors import CRMError
from crmcore.importing import import_file
from crmcore_tabular.xlsx_writing import write_xlsx

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore import CRM
    from crmcore.testing import MakeCRM

CUSTOMERS = (
    "id,name,kind,code,phone,founded date,annual revenue,parent,owner,tags,notes\r\n"
    ',Acme,organisation,A1,"+86 10 1",2001-02-03,"1,234.50",Beta,ada,"a; b",x\r\n'
    'customer:1,"Be""ta",person,,138,03/04/2005,-5,,,,"two\nlines"\r\n'
    ",电子厂,企业,A1,,2001/2/30,1e3,Acme,nobody,,\r\n"
)
CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nORG:Acme\r\nTEL;TYPE=CELL:138\r\nBDAY:1990-01-02\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;ENCODING=QUOTED-PRINTABLE:=41\r\nNOTE:x\r\nEND:VCARD\r\n"
)
LINES = (
    '{"name": "Acme", "code": "A1", "tags": ["a"], "annual_revenue": 1.5}\n'
    '{"name": "B", "founded_date": "2001-02-03"}\n'
)
WORDS = (
    b"\0", b'"', b"customer:1", b"customer:" + b"9" * 30, b"9" * 400, b"1e308", b"-", b"2026-02-30", b"31/12/9999",
    b"=1+1", b"\n,,,,\n", b"Acme", b"\xe2\x80\xae", b"x" * 2_000, b"\\ud800", b"\\u0000", b"_x0000_", b"true", b"%",
    b"owner.login",
)  # fmt: skip


@pytest.fixture
def crm(make_crm: MakeCRM) -> CRM:
    return make_crm(enabled=["tabular", "vcard"])


@pytest.fixture
def sheet(tmp_path: Path) -> dict[str, bytes]:
    path = tmp_path / "seed.xlsx"
    header, *rows = (line.split(",") for line in CUSTOMERS.replace('"', "").split("\r\n") if line)
    write_xlsx(path, header, rows, {})
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@fuzz(25, content=changed_bytes(CUSTOMERS.encode(), words=WORDS), match=st.sampled_from(["update", "skip", "error"]),
      create=st.booleans())  # fmt: skip
def test_tables(crm: CRM, tmp_path: Path, content: bytes, match: str, create: bool) -> None:
    _import(crm, tmp_path / "file.csv", "customer", content, on_match=match, create_missing=create)


@fuzz(12, content=changed_bytes(CARDS.encode(), words=(*WORDS, b"=\n", b"\n ", b"END:VCARD")))
def test_cards(crm: CRM, tmp_path: Path, content: bytes) -> None:
    _import(crm, tmp_path / "file.vcf", "contact", content, create_missing=True)


@fuzz(12, content=changed_bytes(LINES.encode(), words=(*WORDS, b"{", b"[", b"null")))
def test_json_lines(crm: CRM, tmp_path: Path, content: bytes) -> None:
    _import(crm, tmp_path / "file.jsonl", "customer", content)


@fuzz(12, edited=st.data())
def test_sheets(crm: CRM, tmp_path: Path, sheet: dict[str, bytes], edited: st.DataObject) -> None:
    name = "xl/worksheets/sheet1.xml"  # it holds its texts itself
    part = edited.draw(changed_bytes(sheet[name], words=WORDS))
    path = tmp_path / "packed.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in {**sheet, name: part}.items():
            archive.writestr(one, content)
    _import(crm, tmp_path / "file.xlsx", "customer", path.read_bytes())


def _import(crm: CRM, path: Path, entity: str, content: bytes, **options: object) -> None:
    path.write_bytes(content)
    with in_time():
        try:
            result = import_file(crm, path, entity, **options)  # type: ignore[arg-type]  # as the test names them
        except CRMError as error:
            said_on_purpose(error)
            return
    assert (result.rejects is None) == (result.outcomes.get("rejected", 0) == 0)
    if result.rejects is not None:
        result.rejects.unlink()
