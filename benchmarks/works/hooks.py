"""What plugins cost a bulk import of customers: 20 that listen to customers, and 20 that listen to something else.

Each plugin has one hook, five of each kind around the first write door, and each hook looks at every record of every
batch: one tidies telephone numbers, one judges, one sets a field where it is empty, one adds up. The same import is
run with the readers of files alone.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from benchmarks.customers import customers_file
from benchmarks.figures import Figure
from benchmarks.instances import config, make_instance
from benchmarks.measuring import CRMCORE, in_turns, run, scratch
from benchmarks.works.import_sqlite import REJECTED, check_outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.figures import Options
    from benchmarks.measuring import Finished

ROUNDS = 3
PLUGINS = 20
SHARE = 5
"""The full size is a fifth of a million customers."""
NOISE = 0.005
"""A share of the import that cannot be told from nothing."""
HOOKS = {
    "crm_before_validate": """
def crm_before_validate(tx, batch):
    for change in batch:
        phone = change.after.get("phone")
        if phone and " " in phone:
            change.set("phone", phone.replace(" ", ""))
""",
    "crm_validate": """
def crm_validate(tx, batch):
    for change in batch:
        if change.after.get("status") == "loyal" and not change.after.get("name"):
            yield change.problem("a loyal customer has a name", field="name")
""",
    "crm_before_save": """
def crm_before_save(tx, batch):
    for change in batch:
        if not change.after.get("industry"):
            change.set("industry", "unknown")
""",
    "crm_after_save": """
counted = {}

def crm_after_save(tx, batch):
    for change in batch:
        region = change.after.get("region")
        counted[region] = counted.get(region, 0) + 1
""",
}


def measure(options: Options) -> list[Figure]:
    """Return the costs of a plugin that listens and of one that does not."""
    count = max(100, options.customers // SHARE)
    file = customers_file(options.cache, count)
    with scratch(options.cache) as folder:
        make_instance(folder / "none", plugins=["tabular"])
        for case, entity in (("listen", "customer"), ("elsewhere", "order")):
            place = folder / f"plugins-{case}"
            plugins = ["tabular", *_write_plugins(place, entity)]
            shutil.copytree(folder / "none", folder / case)
            (folder / case / "crm.toml").write_text(config(plugins=plugins, folder=place), encoding="utf-8")
        taken = in_turns(
            options.or_rounds(ROUNDS),
            {case: _importing(folder, case, file, count) for case in ("none", "listen", "elsewhere")},
        )
    seconds = {case: [one.seconds for one in finished] for case, finished in taken.items()}
    work, against = f"import {count:,} customers, what each of {PLUGINS} plugins adds", "the import without them"
    return [
        Figure(
            work=f"{work} that listens to customers",
            against=against,
            form="cost",
            each=PLUGINS,
            ours=seconds["listen"],
            theirs=seconds["none"],
            bar=0.15,
            aim=0.08,
        ),
        Figure(
            work=f"{work} that does not",
            against=against,
            form="cost",
            each=PLUGINS,
            ours=seconds["elsewhere"],
            theirs=seconds["none"],
            bar=NOISE,
            aim=NOISE,
        ),
    ]


def _write_plugins(folder: Path, entity: str) -> list[str]:
    names = []
    for number in range(PLUGINS):
        hook = [*HOOKS][number % len(HOOKS)]
        names.append(f"listener{number}")
        manifest = {
            "$schema": "urn:crmcore:plugin:1",
            "name": names[-1],
            "version": "1.0",
            "summary": "One of twenty",
            "listens": {hook: [entity]},
        }
        package = folder / names[-1]
        package.mkdir(parents=True)
        (package / "plugin.json").write_text(json.dumps(manifest), encoding="utf-8")
        code = f"from crmcore import hookimpl\n{HOOKS[hook]}\n{hook} = hookimpl({hook})\n"
        (package / "__init__.py").write_text(code, encoding="utf-8")
    return names


def _importing(folder: Path, case: str, file: Path, count: int) -> Callable[[], Finished]:
    def once() -> Finished:
        shutil.copytree(folder / case, folder / "work")
        command = [*CRMCORE, "import", "customer", file, "--rejects", "rejects.csv"]
        done = run(command, folder=folder / "work", codes=(0, REJECTED))
        check_outcome(done.output, count)
        shutil.rmtree(folder / "work")
        return done

    return once
