"""What it costs to use schemas: jsonschema is loaded where something is wrong and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMPOSE = "from crmcore.schema.compose import compose; c = compose(*core_documents()).entities['user']"
VALIDATE = "from crmcore.schema.validation import Validator; v = Validator(c)"


def loaded_after(*statements: str) -> set[str]:
    """Return which of the slow libraries a fresh interpreter has loaded after some statements."""
    program = "; ".join(["import sys", *statements, "print(*sys.modules)"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {"jsonschema", "jsonschema_rs", "referencing", "sqlalchemy", "lark"} & set(done.stdout.split())


@pytest.mark.parametrize("module", ["model", "documents", "values", "records", "suggestions"])
def test_the_light_modules_load_no_validator(module: str) -> None:
    assert loaded_after(f"import crmcore.schema.{module}") == set()


def test_sound_schemas_and_valid_records_load_the_decider_alone() -> None:
    read = "from crmcore.schema.documents import core_documents"

    assert loaded_after(read, COMPOSE, VALIDATE, "assert v.is_valid({'login': 'ada', 'name': 'Ada'})") == {
        "jsonschema_rs"
    }
