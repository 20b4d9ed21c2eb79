"""The command line. ``main`` is the program ``crmcore``; each command is a module of `crmcore.cli.commands`.

Importing this package costs click and nothing else: commands are imported when they are asked for, and what they
work with (SQLAlchemy, jsonschema, rich, plugins) when they run.
"""

from crmcore.cli.program import main

__all__ = ["main"]
