"""The records suite runs on both databases: a CRM with the core's entities and no plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crmcore import CRM
    from crmcore.testing import MakeCRM


@pytest.fixture
def crm(make_crm: MakeCRM, database_url: str) -> CRM:
    return make_crm(database_url=database_url)
