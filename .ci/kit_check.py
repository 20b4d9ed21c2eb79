"""Check what authors of plugins get: generate one of each kind, install them with the examples, run their own tests.

A fresh environment sees crmcore and the tools of the environment that runs this, and what is installed into it here, as
wheels. The tests then run against the installed packages, not against the folders beside them.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import tempfile
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
KINDS = ("scoring", "pipeline", "importer", "report", "entity")
AT_ONCE = 2


def main() -> None:
    """Generate, install, check."""
    with tempfile.TemporaryDirectory(prefix="crmcore-kit-") as scratch:
        folder = Path(scratch)
        python = create(folder / "environment")
        projects = [generate(kind, folder) for kind in KINDS]
        examples = sorted(file.parent for file in CHECKOUT.glob("examples/*/pyproject.toml"))
        # Copies, because building leaves files behind, and plain wheels: what a wheel lacks is to be missed.
        projects += [Path(shutil.copytree(example, folder / example.name)) for example in examples]
        install(python, projects)
        use(python, projects, folder / "instance")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            failed = [name for name, ok in pool.map(lambda project: check(python, project), projects) if not ok]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    print(f"{len(projects)} plugins: installed, enabled together, and their own tests pass")


def create(folder: Path) -> Path:
    """Create an environment that sees the packages of this one, and return its Python."""
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    seen = [f"import site; site.addsitedir({one!r})\n" for one in site.getsitepackages()]
    (packages / "crmcore-checkout.pth").write_text("".join(seen), encoding="utf-8")
    return folder / "bin" / "python"


def generate(kind: str, folder: Path) -> Path:
    """Write a plugin as its author would."""
    run(sys.executable, "-m", "crmcore", "plugins", "new", f"acme_my_{kind}", "--kind", kind, cwd=folder, quiet=True)
    return folder / f"acme_my_{kind}"


def install(python: Path, projects: list[Path]) -> None:
    """Install the projects, with nothing from an index."""
    paths = [str(project) for project in projects]
    offline = ["--quiet", "--no-deps", "--no-build-isolation"]
    if uv := shutil.which("uv"):
        run(uv, "pip", "install", *offline, "--offline", "--python", str(python), *paths)
    else:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
        run(*pip, "install", *offline, "--no-index", *paths)


def use(python: Path, projects: list[Path], folder: Path) -> None:
    """Enable all of them in one instance, upgrade its database and check it."""
    names = [name for project in projects for name in plugins_of(project)]
    crmcore = [str(python), "-P", "-m", "crmcore", "--config", str(folder / "crm.toml")]
    run(*crmcore, "init", str(folder), quiet=True)
    run(*crmcore, "plugins", "enable", *names, quiet=True)
    run(*crmcore, "db", "upgrade", quiet=True)
    run(*crmcore, "check", quiet=True)


def plugins_of(project: Path) -> list[str]:
    """Return the names under which a project announces its plugins."""
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*declared["entry-points"]["crmcore.plugins"]]


def check(python: Path, project: Path) -> tuple[str, bool]:
    """Run a project's linter and its tests as it configures them; print what is wrong."""
    installed = ["-o", "pythonpath=", "-p", "no:cacheprovider"]
    commands = (
        [str(python), "-m", "ruff", "check", "--quiet", "."],
        [str(python), "-m", "ruff", "format", "--check", "--quiet", "."],
        [str(python), "-P", "-m", "pytest", "--quiet", "--tb=short", *installed],
    )
    done = [subprocess.run(command, check=False, cwd=project, capture_output=True, text=True) for command in commands]
    for one in done:
        if one.returncode:
            print(f"{project.name}:\n{one.stdout}{one.stderr}", flush=True)
    print(f"{project.name}: {done[-1].stdout.strip().splitlines()[-1:]}", flush=True)
    return project.name, not any(one.returncode for one in done)


def run(*command: str, cwd: Path | None = None, quiet: bool = False) -> None:
    """Run a command outside of anybody's instance; its failure is ours."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CRMCORE_"))}
    done = subprocess.run(command, check=False, cwd=cwd, env=surroundings, capture_output=quiet, text=True)
    if done.returncode:
        sys.exit(f"failed with code {done.returncode}: {' '.join(command)}\n{done.stdout or ''}{done.stderr or ''}")


if __name__ == "__main__":
    main()
