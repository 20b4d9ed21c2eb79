"""Plugin ``vcard``: reads contacts from vCard files and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import hookimpl
from crmcore.types import Importer
from crmcore_vcard.reading import read_vcards
from crmcore_vcard.writing import write_vcards

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def crm_importers() -> Iterable[Importer]:
    """Declare the format."""
    yield Importer(
        name="vcard",
        suffixes=[".vcf", ".vcard"],
        read=read_vcards,
        write=write_vcards,
        for_people=True,
        options={
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "encoding": {
                    "type": "string",
                    "default": "",
                    "description": "Encoding of the file, gb18030 for instance; found out where nobody says it.",
                }
            },
        },
        titles={"en": "vCard file", "zh-CN": "vCard 电子名片"},
    )
