"""Files that would fill the memory: each is refused with a reason, or read up to it, in a process that stays small."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from workbooks_by_hand import MAIN, PACKAGE, RELATIONS, ods_by_hand, xlsx_by_hand

from crmcore.types import Problem, SourceHeader
from crmcore_tabular.xlsx_reading import read_xlsx

MEGABYTES = 300
GIGABYTE = 1 << 30

_READS = """
import json, pathlib, re, sys
from crmcore.types import Problem
from crmcore_tabular.csv_reading import read_csv
from crmcore_tabular.jsonl_reading import read_jsonl
from crmcore_vcard.reading import read_vcards
readers = {".csv": read_csv, ".jsonl": read_jsonl, ".vcf": read_vcards}
said = {}
for path in map(pathlib.Path, sys.argv[1:]):
    problems = [one for one in readers[path.suffix](path, {}) if isinstance(one, Problem)]
    said[path.name] = [(problem.line, problem.message) for problem in problems]
# ru_maxrss would begin with the size of the process that started this one.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps([said, int(peak[1]) // 1024]))
"""


def sparse(path: Path, head: bytes) -> Path:
    """Write a file of a gigabyte that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(GIGABYTE)
    return path


def filled(path: Path, head: bytes, part: bytes, times: int) -> Path:
    path.write_bytes(head + part * times)
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read where Linux tells it")
def test_text_files_without_end_are_refused_within_bounds(tmp_path: Path) -> None:
    too_long = "the line has more than 4,000,000 characters"
    keys = json.dumps({f"k{n}": 1 for n in range(200_000)}).encode()
    expected = {
        sparse(tmp_path / "line.csv", b"name\nx"): [[2, too_long]],
        sparse(tmp_path / "line.jsonl", b'{"name": "x'): [[1, too_long]],
        sparse(tmp_path / "wide.csv", "name\n".encode("utf-16")): [[2, too_long]],
        filled(tmp_path / "columns.csv", b"name\n", b"x,", 1_000_000): [
            [2, "1,000,001 columns; at most 10,000 are read"]
        ],
        filled(tmp_path / "quote.csv", b'name\n"', b"x\n", 3_000_000): [
            [2, "a quote in this row is never closed; nothing that follows was read"]
        ],
        filled(tmp_path / "endless.csv", b"name\n", b'"a\n",', 1_000_000): [
            [2, "the row goes on for more than 4,000,000 characters; nothing that follows was read"]
        ],
        filled(tmp_path / "keys.jsonl", keys, b"\n", 1): [[1, "the objects have more than 10,000 different keys"]],
        filled(tmp_path / "same.jsonl", b'{"b": 1}\n{"a": 1' + b', "a": 1' * 200_000, b"}", 1): [
            [2, "the key 'a' is there more than once"]
        ],
        filled(tmp_path / "deep.jsonl", b'{"b": 1}\n', b"[", 3_000_000): [
            [2, "lists and objects are nested too deeply"]
        ],
        filled(tmp_path / "line.vcf", b"BEGIN:VCARD\nNOTE:", b"x", 40_000_000): [
            [1, "the card is too large: END:VCARD may be missing"]
        ],
        filled(tmp_path / "lines.vcf", b"BEGIN:VCARD\n", b"A:b\n", 300_000): [
            [1, "the card is too large: END:VCARD may be missing"]
        ],
    }

    done = subprocess.run(
        [sys.executable, "-c", _READS, *map(str, expected)], capture_output=True, text=True, check=True
    )
    said, peak = json.loads(done.stdout)

    assert said == {path.name: problems for path, problems in expected.items()}
    assert peak < MEGABYTES


def refusal(path: Path) -> str:
    found = list(read_xlsx(path, {}))
    assert len(found) == 1
    assert isinstance(found[0], Problem)
    return found[0].message


class TestWorkbooks:
    RELATED = (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    )

    def shared(self, path: Path, length: int, cells: int, cell: str) -> Path:
        texts = f'<sst xmlns="{MAIN}"><si><t>{"a" * length}</t></si><si/><si><t>b</t></si></sst>'
        rows = f"<row>{cell}</row>" * cells
        parts = {"xl/_rels/workbook.xml.rels": self.RELATED, "xl/sharedStrings.xml": texts}
        return xlsx_by_hand(path, rows, **parts)

    @pytest.mark.parametrize(
        "cell", ['<c t="s"><v>0</v></c>', "<c  s='1' t='s' ><v> 0 </v></c>", '<c t="s"><v><!---->0</v></c>']
    )
    def test_one_text_in_very_many_cells_is_refused(self, tmp_path: Path, cell: str) -> None:
        path = self.shared(tmp_path / "a.xlsx", 32_000, 40_000, cell)
        assert path.stat().st_size < 100_000
        assert refusal(path) == "sheet 'Data' is too large to be read"

    def test_a_long_text_beside_very_many_short_ones_is_read(self, tmp_path: Path) -> None:
        path = self.shared(tmp_path / "a.xlsx", 100_000, 20_000, '<c t="s"><v>2</v></c>')
        header, *_rows = read_xlsx(path, {})
        assert isinstance(header, SourceHeader)
        assert header.names == ("b",)

    def test_too_many_sheets_are_refused(self, tmp_path: Path) -> None:
        sheets = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, 1_002))
        book = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{sheets}</sheets></workbook>'
        path = xlsx_by_hand(tmp_path / "a.xlsx", "", **{"xl/workbook.xml": book})
        assert refusal(path) == "the workbook has 1,001 sheets; at most 1,000 are read"

    @pytest.mark.parametrize("parts", [5_001, 40_000])
    def test_too_many_parts_are_refused(self, tmp_path: Path, parts: int) -> None:
        path = tmp_path / "a.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(parts):
                archive.writestr(f"xl/{number}.xml", b"")
        assert refusal(path) == "the workbook has more than 5,000 parts"

    @pytest.mark.parametrize(("rows", "columns", "text"), [(1_000_000, 11, "a"), (100, 2, "a" * 6_000_000)])
    def test_an_open_document_that_repeats_itself_is_refused(
        self, tmp_path: Path, rows: int, columns: int, text: str
    ) -> None:
        cell = f'<table:table-cell office:value-type="string" table:number-columns-repeated="{columns}">'
        row = f'<table:table-row table:number-rows-repeated="{rows}">{cell}<text:p>{text}</text:p></table:table-cell>'
        path = ods_by_hand(tmp_path / "a.ods", f"{row}</table:table-row>")
        assert refusal(path) == "sheet 'S1' is too large to be read"

    def test_open_document_tables_that_fit_alone_are_refused_together(self, tmp_path: Path) -> None:
        cell = '<table:table-cell office:value-type="string" table:number-columns-repeated="6"><text:p>a</text:p>'
        row = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-cell></table:table-row>'
        path = ods_by_hand(tmp_path / "a.ods", row, row)
        assert refusal(path) == "sheet 'S1, S2' is too large to be read"
