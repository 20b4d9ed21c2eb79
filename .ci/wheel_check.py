"""Check what users install: build the package, compare its files with the checkout, run the demo from it elsewhere.

An editable installation finds schemas and plugins in the checkout, so the tests cannot see that a wheel lost them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parent.parent
# Where the folders of the checkout go in the wheel, as pyproject.toml says.
PLACES = {"crmcore": "crmcore/", "schemas": "crmcore/schemas/", "plugins": ""}
NEVER_MISSING = (
    "crmcore/__init__.py",
    "crmcore/locale/zh_CN/LC_MESSAGES/crmcore.mo",
    "crmcore/py.typed",
    "crmcore/schemas/customer.schema.json",
    "crmcore_abc/plugin.json",
    "crmcore_tabular/plugin.json",
)


def main() -> None:
    """Build, compare, install and run."""
    with tempfile.TemporaryDirectory(prefix="crmcore-wheel-") as scratch:
        folder = Path(scratch)
        wheel = build(folder / "dist")
        compare(wheel)
        binaries = install(wheel, folder / "environment")
        run_elsewhere(binaries, folder / "elsewhere")
    print(f"{wheel.name}: complete, and its demo runs outside the checkout")


def build(folder: Path) -> Path:
    """Build the source distribution, and the wheel from that; return the wheel."""
    run(sys.executable, "-m", "build", "--outdir", str(folder), str(CHECKOUT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def compare(wheel: Path) -> None:
    """Refuse a wheel that lacks a file of the packages, schemas or plugins, or holds one that is not theirs."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        place + path.relative_to(CHECKOUT / top).as_posix()
        for top, place in PLACES.items()
        for path in (CHECKOUT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    lost, stray = sorted((expected | set(NEVER_MISSING)) - packed), sorted(packed - expected)
    if lost or stray:
        fail("\n".join([*(f"not in the wheel: {name}" for name in lost), *(f"stray: {name}" for name in stray)]))


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel with all extras into an empty environment; return the folder of its programs."""
    venv.create(environment, with_pip=True)
    binaries = environment / "bin"
    run(str(binaries / "python"), "-m", "pip", "install", "--quiet", f"crmcore[all] @ {wheel.as_uri()}")
    return binaries


def run_elsewhere(binaries: Path, folder: Path) -> None:
    """Run the installed program in an empty folder, with nothing of this process's Python around it."""
    folder.mkdir()
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CRMCORE_"))}
    asked = [str(binaries / "python"), "-c", "import crmcore; print(crmcore.__file__)"]
    found = subprocess.run(asked, check=True, cwd=folder, env=surroundings, capture_output=True, text=True).stdout
    if not Path(found).is_relative_to(binaries.parent):
        fail(f"the environment imports crmcore from {found.strip()}, not from the wheel")
    run(str(binaries / "crmcore"), "demo", cwd=folder, env=surroundings)
    if not any(folder.iterdir()):
        fail("the demo left nothing in the folder where it ran")


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command; its failure is ours."""
    code = subprocess.run(command, check=False, cwd=cwd, env=env).returncode
    if code:
        fail(f"failed with code {code}: {' '.join(command)}")


def fail(reason: str) -> NoReturn:
    """End with a reason and code 1."""
    sys.exit(reason)


if __name__ == "__main__":
    main()
