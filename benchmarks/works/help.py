"""`crmcore --help` against the `--help` of a click program that has as many commands and does nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.instances import make_instance
from benchmarks.measuring import Missing, in_turns, run, scratch

if TYPE_CHECKING:
    from benchmarks.figures import Options

ROUNDS = 40
BARE = """
import click

@click.group(help="Work with a CRM.")
@click.option("--config", metavar="FILE", help="Configuration of the instance.")
@click.option("--as", "login", metavar="LOGIN", help="User who works.")
@click.option("--lang", metavar="LANGUAGE", help="Language of messages.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option("1.0")
def program(config, login, lang, debug):
    pass

for number in range(25):
    @program.command(f"command{number}", help="Do one of the things that this program does.")
    def command():
        pass

program()
"""


def measure(options: Options) -> list[Figure]:
    """Return the figure of the help."""
    script = Path(sys.executable).parent / "crmcore"
    if not script.exists():
        raise Missing(f"{script} is not there: install crmcore into the environment of this interpreter")
    with scratch(options.cache) as folder:
        make_instance(folder / "instance")
        bare = folder / "bare.py"
        bare.write_text(BARE)
        sides = {
            "crmcore": lambda: run([sys.executable, script, "--help"], folder=folder / "instance"),
            "crmcore elsewhere": lambda: run([sys.executable, script, "--help"], folder=folder),
            "bare": lambda: run([sys.executable, bare, "--help"], folder=folder),
        }
        in_turns(1, sides)  # files and bytecode come into memory
        taken = in_turns(options.or_rounds(ROUNDS), sides)
    seconds = {side: [one.seconds for one in finished] for side, finished in taken.items()}
    return [
        Figure(
            work="`crmcore --help` in the folder of an instance with four plugins",
            against="`--help` of a bare click program with 25 commands",
            ours=seconds["crmcore"],
            theirs=seconds["bare"],
            bar=1.5,
            aim=1.2,
        ),
        Figure(
            work="`crmcore --help` where there is no instance",
            against="`--help` of a bare click program with 25 commands",
            ours=seconds["crmcore elsewhere"],
            theirs=seconds["bare"],
            bar=1.5,
            aim=1.2,
        ),
    ]
