"""Parties of Tryton, created one at a time or imported; run by the interpreter of Tryton's own environment.

``tryton_parties.py FOLDER create NUMBER`` and ``tryton_parties.py FOLDER import FILE`` print the seconds they took, the
start of the program not counted. A party gets its address, phone and email as records of their own, as Tryton has them.
"""

import csv
import sys
import time
from pathlib import Path

from trytond.config import config

DATABASE, ADMINISTRATOR = "bench", 1
FIELDS = ("name", "addresses/city", "contact_mechanisms/type", "contact_mechanisms/value")
folder, work, what = sys.argv[1:]
config.update_etc(str(Path(folder) / "trytond.conf"))

from trytond.pool import Pool  # noqa: E402  # reads the configuration when it is imported
from trytond.transaction import Transaction  # noqa: E402

Pool.start()
pool = Pool(DATABASE)
pool.init()


def create(number: int) -> None:
    """Create one party and commit."""
    with Transaction().start(DATABASE, ADMINISTRATOR):
        pool.get("party.party").create(
            [
                {
                    "name": f"Customer {number}",
                    "addresses": [("create", [{"city": "佛山"}])],
                    "contact_mechanisms": [("create", [{"type": "phone", "value": "0757-8888"}])],
                }
            ]
        )


def import_file(file: Path) -> None:
    """Import all rows in one call and one transaction, which is how Tryton's own import does it."""
    rows = []
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            rows.append([row["name"], row["city"], "phone", row["phone"]])
            rows.append(["", "", "email", row["email"]])
    with Transaction().start(DATABASE, ADMINISTRATOR):
        pool.get("party.party").import_data(FIELDS, rows)


create(0)  # what is compiled and cached once is not measured
start = time.perf_counter()
if work == "create":
    for number in range(int(what)):
        create(number)
else:
    import_file(Path(what))
print(time.perf_counter() - start)
