"""Make a virtual environment with this checkout installed in it, or do nothing where it is there and current.

The Makefile calls this with the interpreter to use, once it has seen that it is not too old. Written for the standard
library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SHOWN = "charts,xlsx"
"""Extras that the demonstration uses; those for development include them."""


def main() -> None:
    """Create and fill the environment as far as that is needed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the virtual environment")
    parser.add_argument("--extra", default="", help="extra of the package to install, for instance dev")
    parser.add_argument("--exact", action="store_true", help="make it anew when it has another version of Python")
    wanted = parser.parse_args()
    version = version_of(wanted.folder)
    if version is None or (wanted.exact and version != version_in_use()):
        create(wanted.folder)
    # An environment for development serves the demo too, not the other way round.
    stamps = [wanted.folder / ".crmcore"]
    if wanted.extra:
        stamps.append(wanted.folder / f".crmcore-{wanted.extra}")
    state = fingerprint(wanted.folder)
    if not all(stamp.is_file() and stamp.read_text() == state for stamp in stamps):
        install(wanted.folder, wanted.extra)
        for stamp in stamps:
            stamp.write_text(state)


def version_in_use() -> str:
    """Return major and minor version of the interpreter that runs this."""
    return "{}.{}".format(*sys.version_info)


def version_of(folder: Path) -> str | None:
    """Return the version of Python in an environment, or None where there is none that runs."""
    asked = [str(folder / "bin" / "python"), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def fingerprint(folder: Path) -> str:
    """Return what an installation depends on: where the checkout and the environment are, and pyproject.toml."""
    declared = (CHECKOUT / "pyproject.toml").read_bytes()
    return "\n".join([str(CHECKOUT), str(folder.resolve()), hashlib.sha256(declared).hexdigest(), ""])


def create(folder: Path) -> None:
    """Create an empty environment, with uv where it is installed."""
    print(f"Creating {folder} with Python {version_in_use()}", flush=True)
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    elif importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            f"{sys.executable} cannot create virtual environments: its module ensurepip is not installed.\n"
            "On Debian and Ubuntu: apt-get install python3-venv. Or install uv, or name another: make PYTHON=..."
        )
    else:
        run(sys.executable, "-m", "venv", "--clear", str(folder))


def install(folder: Path, extra: str) -> None:
    """Install the checkout, editable, with its dependencies; repeated only when pyproject.toml changes."""
    print("Installing crmcore and what it needs (a minute or two the first time)", flush=True)
    python = str(folder / "bin" / "python")
    package = f"{CHECKOUT}[{extra or SHOWN}]"
    if uv := shutil.which("uv"):
        run(uv, "pip", "install", "--quiet", "--python", python, "--editable", package)
    else:
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", package)


def run(*command: str) -> None:
    """Run a command and end with its exit code where it fails; it has said itself what is wrong."""
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
