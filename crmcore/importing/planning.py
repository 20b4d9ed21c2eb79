"""What the rows of a file would become, and what tells one import of it from another. Nothing is written here."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from crmcore.conformance import breaches
from crmcore.errors import ConfigError, UsageError
from crmcore.i18n import gettext as _
from crmcore.importing.plan import as_mapping_file, make_plan, needs_settling, read_mapping_file, settle
from crmcore.importing.sources import importer_for, open_source, options_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crmcore.app import CRM
    from crmcore.importing.plan import MappingFile, Plan
    from crmcore.importing.sources import Source
    from crmcore.records.saving import OnMatch

__all__ = ["fingerprint", "plan_file"]

_FIRST_ROWS = 1000
"""Rows that mostly tell enough of a file; where they do not, all of them are asked."""


def plan_file(
    crm: CRM,
    path: Path,
    entity: str,
    *,
    mapping: Path | None = None,
    date_format: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Plan, Source]:
    """Return what the rows of a file would become, and the file, its header read.

    Args:
        crm: with a plugin that reads such files.
        path: of the file.
        entity: name of the entity.
        mapping: a mapping file.
        date_format: as for `import_file`.
        options: as for `import_file`.

    Raises:
        UsageError, ConfigError, ValidationError: as for `import_file`.
    """
    model, entities = crm.runtime.entity(entity), crm.registry.entities
    declared = read_mapping_file(mapping) if mapping is not None else None
    if declared is not None:
        _check_options(crm, path, declared)
    source = open_source(crm.registry, path, {**(declared.options if declared else {}), **(options or {})})
    plan = make_plan(
        model,
        entities,
        source.header.names,
        declared,
        date_format=date_format,
        currency=crm.registry.config.currency,
        timezone=crm.timezone,
    )
    if not plan.columns:
        raise UsageError(
            _("{path}: no header is a field of {entity}: {headers}").format(
                path=path, entity=entity, headers=", ".join(source.header.names)
            ),
            hint=_("`crmcore schema show {entity}` lists the names, titles and aliases of its fields.").format(
                entity=entity
            ),
        )
    first = list(islice(source.rows(), _FIRST_ROWS))
    return settle(plan, source.rows() if needs_settling(plan, first) else first), source


def _check_options(crm: CRM, path: Path, declared: MappingFile) -> None:
    """Judge the options in a mapping file where their lines are known."""
    schema = options_schema(importer_for(crm.registry, path))
    wrong = breaches(declared.options, schema, declared.source, at=("file",))
    if wrong:
        raise ConfigError([*declared.problems, *wrong])


def fingerprint(plan: Plan, source: Source, on_match: OnMatch, *, create_missing: bool) -> str:
    """Return what stands for everything but the file that decides what becomes of it."""
    decisive = [as_mapping_file(plan), plan.date_format, dict(source.options), on_match, create_missing]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()
