"""What the tests of commands share besides fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from click.testing import Result

INTERRUPTIBLE = """
import signal
from crmcore.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""The program as a terminal starts it, also where interrupts are ignored, as by jobs of a shell behind ``&``."""
LOGIN = "ada"
"""Login of the operating system's user, as commands see it."""


class Run(Protocol):
    def __call__(self, *arguments: str, code: int = 0, answer: str | None = None) -> Result: ...


class RunProgram(Protocol):
    def __call__(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


def write_plugin(folder: Path, name: str, manifest: str, code: str = "") -> None:
    """Write a plugin below `folder`, which crm.toml names in ``plugin_dirs``."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "plugin.json").write_text(manifest, encoding="utf-8")
    (package / "__init__.py").write_text(code, encoding="utf-8")
