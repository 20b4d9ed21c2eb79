"""A PostgreSQL server for benchmarks, and the company's database on it, made once for each size as a template.

The server keeps its data in the cache and is stopped when the work ends. Its settings are PostgreSQL's own, durable
ones, with more memory. Everything is asked through `psql`, which leaves this process small.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from benchmarks.company import AS_OF, fill
from benchmarks.instances import config, make_instance
from benchmarks.measuring import CRMCORE, Failed, Finished, Missing, run
from tests.postgres_server import Account, Unavailable, find_binaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.figures import Options

__all__ = ["Server", "company", "running"]

START_SECONDS = 60
USER = "postgres"
CONFIGURATION = """
listen_addresses = ''
timezone = 'UTC'
shared_buffers = '512MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
max_wal_size = '8GB'
checkpoint_timeout = '30min'
log_min_messages = fatal
"""


@frozen
class Server:
    """A running server."""

    socket: Path
    binaries: Path

    def url(self, database: str) -> str:
        """Return the URL of a database for crmcore."""
        return f"postgresql://{USER}@/{database}?host={self.socket}"

    def run(self, database: str, sql: str, *, settled: bool = False) -> Finished:
        """Run statements in one session, and return what it took and said: rows without frames."""
        command = [self._psql(), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", USER]
        return run([*command, "-d", database], given=sql, settled=settled)

    def replace(self, database: str, template: str) -> None:
        """Make a database a fresh copy of another one."""
        self.run(USER, f"DROP DATABASE IF EXISTS {database};")
        self.run(USER, f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy;\nCHECKPOINT;")

    def write_config(self, database: str, folder: Path) -> None:
        """Write the configuration of an instance whose database is here already."""
        (folder / "crm.toml").write_text(config(self.url(database)), encoding="utf-8")

    def has(self, database: str) -> bool:
        """Return whether there is such a database."""
        return bool(self.run(USER, f"SELECT 1 FROM pg_database WHERE datname = '{database}';").output.strip())

    def _psql(self) -> Path | str:
        packaged = self.binaries / "psql"
        return packaged if packaged.exists() else "psql"


@contextmanager
def running(options: Options) -> Iterator[Server]:
    """Start the server, and stop it at the end of the block."""
    try:
        account, binaries = Account.choose(), find_binaries()
    except Unavailable as error:
        raise Missing(str(error)) from error
    place = options.cache / "postgres"
    place.mkdir(parents=True, exist_ok=True)
    log, data = place / "log", place / "data"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="crmcore-benchmark-") as socket:
        for folder in (Path(socket), place):
            folder.chmod(0o755)
            if os.getuid() == 0:
                os.chown(folder, account.uid, account.gid)
        try:
            _initialise(account, binaries, data, log)
            process = account.start(binaries / "postgres", "-D", data, "-k", socket, log=log)
        except PermissionError as error:
            raise Missing(f"the user that the server runs as may not run {binaries}") from error
        try:
            server = Server(Path(socket), binaries)
            _wait(server, log)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _initialise(account: Account, binaries: Path, data: Path, log: Path) -> None:
    """Make the folder of the server's data, unless it is there and complete."""
    complete = data.with_name("initialised")
    if complete.exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    flags = ("-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    if account.start(binaries / "initdb", "-D", data, *flags, log=log).wait():
        raise Failed(f"initdb: {log.read_text(errors='replace')}")
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION)
    complete.touch()


def _wait(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.run(USER, "SELECT 1;")
        except Failed:
            if time.monotonic() > deadline:
                raise Failed(log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.1)
        else:
            return


def company(server: Server, options: Options) -> str:
    """Return the name of the database with the company of this size, to be copied and not changed."""
    name = f"company_{options.customers}"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if server.has(name):
            server.write_config(name, folder)
            run([*CRMCORE, "db", "upgrade"], folder=folder, settled=False)  # schemas may have changed since
            server.run(name, "ANALYZE;")
            return name
        partial = f"{name}_partial"
        server.run(USER, f"DROP DATABASE IF EXISTS {partial};")
        server.run(USER, f"CREATE DATABASE {partial};")
        make_instance(folder / "instance", url=server.url(partial))
        fill(_Postgres(server, partial, folder), options.customers)
        server.run(USER, f"ALTER DATABASE {partial} RENAME TO {name};")
    return name


class _Postgres:
    day_before = f"DATE '{AS_OF}' - ({{days}})::integer"
    instant_before = f"TIMESTAMPTZ '{AS_OF} 08:00:00+00' - {{days}} * INTERVAL '1 day'"

    def __init__(self, server: Server, database: str, folder: Path) -> None:
        self._server, self._database, self._folder = server, database, folder

    def execute(self, sql: str) -> None:
        # References are right by construction; to look each of them up would take longer than to insert.
        self._server.run(self._database, f"SET session_replication_role = replica;\n{sql};")

    def insert(self, table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
        file = self._folder / f"{table}.csv"
        with file.open("w", encoding="utf-8", newline="") as output:
            csv.writer(output).writerows(values)
        self.execute(f"\\copy {table} ({', '.join(columns)}) FROM '{file}' CSV\n")
        file.unlink()

    def indexes(self, table: str) -> Sequence[tuple[str, str]]:
        found = self._server.run(
            self._database,
            f"SELECT indexname || '|' || indexdef FROM pg_indexes WHERE tablename = '{table}'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint);",
        )
        return [
            (name, statement) for name, _bar, statement in (line.partition("|") for line in found.output.splitlines())
        ]
