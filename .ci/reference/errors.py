"""The errors that are raised on purpose: codes, exit codes, statuses and what they mean."""

from __future__ import annotations

import docstrings
from markdown import code, table

from crmcore import errors as declared

__all__ = ["errors"]


def errors() -> str:
    """Return a table of all errors, those first that end a command with the smaller code."""
    classes = [getattr(declared, name) for name in declared.__all__]
    known = [one for one in classes if isinstance(one, type) and issubclass(one, declared.CRMError)]
    rows = [
        (
            code(one.code),
            code(one.__name__),
            str(one.exit_code),
            str(getattr(one, "http_status", "")),
            docstrings.read(one).summary,
        )
        for one in sorted(known, key=lambda one: (one.exit_code, one.code))
    ]
    return table(("code", "class", "exit code", "HTTP status", "meaning"), rows)
