"""What the core and plugins log, at the command line: warnings, on stderr."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["logs_hidden", "show_logs", "show_tracebacks"]


def show_logs(*, debug: bool) -> None:
    """Show what the core and plugins log as warnings, without tracebacks unless they are asked for."""
    logger = logging.getLogger("crmcore")
    for handler in [handler for handler in logger.handlers if isinstance(handler, _Warnings)]:
        logger.removeHandler(handler)
    logger.addHandler(_Warnings(debug=debug))


class _Warnings(logging.Handler):
    def __init__(self, *, debug: bool) -> None:
        super().__init__(logging.WARNING)
        self.debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(_("warning: {message}").format(message=record.getMessage()), err=True)
        if self.debug and record.exc_info:
            traceback.print_exception(*record.exc_info)


def show_tracebacks(errors: Iterable[BaseException]) -> None:
    """Show where errors that a command reports itself come from, if tracebacks are asked for."""
    if any(isinstance(handler, _Warnings) and handler.debug for handler in logging.getLogger("crmcore").handlers):
        for error in errors:
            traceback.print_exception(error.__cause__ or error)


@contextmanager
def logs_hidden() -> Iterator[None]:
    """Show no logs inside the ``with`` block, where the command itself says the same."""
    logger = logging.getLogger("crmcore")
    handlers, logger.handlers = logger.handlers, [logging.NullHandler()]
    try:
        yield
    finally:
        logger.handlers = handlers
