"""A CRM that reads CSV files, and files to import that are written on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmcore.importing import import_file

if TYPE_CHECKING:
    from pathlib import Path

    from imported import Bring

    from crmcore import CRM
    from crmcore.importing import ImportResult
    from crmcore.testing import MakeCRM


@pytest.fixture
def crm(make_crm: MakeCRM, database_url: str) -> CRM:
    return make_crm(enabled=["tabular"], database_url=database_url)


@pytest.fixture
def bring(crm: CRM, tmp_path: Path) -> Bring:
    """Write a file and import it; a mapping file may be given as text."""

    def bring(
        entity: str, text: str, name: str = "file.csv", mapping: str | None = None, **options: Any
    ) -> ImportResult:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        if mapping is not None:
            options["mapping"] = tmp_path / "mapping.toml"
            options["mapping"].write_text(mapping, encoding="utf-8")
        return import_file(crm, path, entity, **options)

    return bring


@pytest.fixture
def few_rows_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows a chunk, so that a file of five has three, and two at a time from the reader."""
    monkeypatch.setattr("crmcore.importing.passage._ITEMS_PER_PAGE", 2)
    monkeypatch.setattr("crmcore.importing.rounds._ROWS_PER_PAGE", 2)
    monkeypatch.setattr("crmcore.importing.rounds._PAGES_PER_CHUNK", 1)
