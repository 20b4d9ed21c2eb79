"""What instances in one process have in common is read and made once, and what changed is read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crmcore import CRM, load, read_config

if TYPE_CHECKING:
    from pathlib import Path


def instance(folder: Path, name: str) -> CRM:
    (folder / f"{name}.toml").write_text(
        f'[instance]\nname = "{name}"\n[database]\nurl = "sqlite:///{name}.db"\n', encoding="utf-8"
    )
    crm = CRM(load(read_config(folder / f"{name}.toml")))
    crm.upgrade()
    return crm


def extend(folder: Path, field: str) -> None:
    (folder / "schemas").mkdir(exist_ok=True)
    said = {"$schema": "urn:crmcore:extension:1", "properties": {field: {"type": "string", "maxLength": 10}}}
    (folder / "schemas" / "customer.extend.json").write_text(json.dumps(said), encoding="utf-8")


def test_instances_with_the_same_schemas_share_what_is_made_of_them(tmp_path: Path) -> None:
    extend(tmp_path, "fax")
    with instance(tmp_path, "one") as one, instance(tmp_path, "two") as two:
        assert one.registry.composition is two.registry.composition
        assert one.runtime.tables is two.runtime.tables
        assert one.runtime.access is not two.runtime.access  # roles are an instance's own
        with one.session() as session:
            session.create("customer", {"name": "佛山企业电子", "fax": "1"})
        with two.session() as session:
            assert session.count("customer") == 0


def test_a_schema_that_has_changed_is_read_again(tmp_path: Path) -> None:
    extend(tmp_path, "fax")
    with instance(tmp_path, "one") as before:
        extend(tmp_path, "telex")
        with instance(tmp_path, "two") as after:
            assert "fax" in before.registry.entities["customer"].fields
            assert "fax" not in after.registry.entities["customer"].fields
            assert "telex" in after.registry.entities["customer"].fields
