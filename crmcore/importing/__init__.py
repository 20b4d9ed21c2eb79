"""Importing: a file's rows through header mapping and coercion into the first write door."""

from crmcore.importing.mapping import HeaderMapping, map_headers
from crmcore.importing.run import ImportResult, import_file

__all__ = ["HeaderMapping", "ImportResult", "import_file", "map_headers"]
