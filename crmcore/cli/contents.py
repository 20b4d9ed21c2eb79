"""Every command of the core with what it does, so that help is shown without importing one.

What is said here is the first sentence of the command's own help; a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.cli.lazy import Place
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["contents"]


def contents() -> Mapping[str, Mapping[str, Place]]:
    """Return the commands in sections, in the language of the context."""
    return {
        _("Set up"): {
            "demo": Place("demo:demo", _("Make an example in DIR (./demo) and show it.")),
            "init": Place(
                "init:init",
                _(
                    "Make an instance in DIR, by default this folder: crm.toml, a database, and you as its "
                    "administrator."
                ),
            ),
            "check": Place(
                "check:check",
                _("Find everything that is wrong with the configuration, plugins, schemas, roles and the database."),
            ),
            "plugins": Place("plugins:plugins", _("List plugins, and switch them on and off.")),
            "schema": Place("schema:schema", _("Look at entities and their fields.")),
            "db": Place("db:db", _("Look after the database.")),
            "completion": Place(
                "completion:completion",
                _("Print the script that completes crmcore's commands in a shell."),
            ),
        },
        _("Records"): {
            "import": Place("import_file:import_", _("Import files, look at imports, take them back.")),
            "export": Place(
                "export:export",
                _("Write the records of ENTITY that you may see to FILE, so that `crmcore import` reads it."),
            ),
            "create": Place("create:create", _("Create a record of ENTITY.")),
            "show": Place("show:show", _("Show a record: crmcore show customer:42.")),
            "list": Place("list:list_", _("List the records of ENTITY that you may see.")),
            "update": Place(
                "update:update",
                _("Change fields of a record, or of all records of an entity that a condition selects."),
            ),
            "delete": Place(
                "delete:delete",
                _("Delete records, all or none of them; `crmcore restore` brings them back."),
            ),
            "restore": Place("delete:restore", _("Bring a deleted record back, with what was deleted along with it.")),
            "history": Place("history:history", _("Show who changed a record when, the latest change first.")),
            "log": Place(
                "log:log",
                _('Log what happened with a record: crmcore log visit customer:42 "They need 500 by May".'),
            ),
            "erase": Place(
                "erase:erase",
                _(
                    "Erase a record for good: its values, its history, what belongs to it, and rejected rows that name "
                    "it."
                ),
            ),
        },
        _("Work"): {
            "score": Place("score:score", _("Score records by rules, and explain their labels, ranks and numbers.")),
            "pipeline": Place("pipeline:pipeline", _("See what lies in the stages of pipelines, and move records on.")),
            "report": Place("report:report", _("Run reports.")),
            "remind": Place("remind:remind", _("List what is to be seen to within some days, the most urgent first.")),
            "deliver": Place("deliver:deliver", _("Give plugins the committed events that are due.")),
            "access": Place("access:access", _("Look at who may do what.")),
        },
    }
