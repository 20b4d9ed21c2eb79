"""Entities as data: one JSON Schema dialect from which tables, validation, records and forms come.

Import from the modules; nothing is gathered here, so that `model`, `documents`, `values` and `records` stay light
while `compose`, `validation` and `export` bring jsonschema.

documents   what was read, from which file and line
dialect     whether one document may say what it says (`shape`, `rules`, `entity_rules`, `patterns`)
compose     entities out of all documents (`merging`, `tightening`), and who set which keyword
model       what an entity and a field are
values      Python form and JSON form of a value
validation  whether a record's values are valid, and why not (`explain`)
records     a frozen class for each entity's records
export      plain JSON Schema for others (`plain`)
"""
