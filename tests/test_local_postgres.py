"""The embedded Postgres: shared, and never blocked by what a killed process left."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest

from contracts.errors import DatabaseUnavailableError
from flows import local_postgres, memory


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    local_postgres.stop(tmp_path)


def server_pid(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def answer(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT 42").fetchone()
        assert row is not None
        return int(row[0])


def test_starting_twice_shares_one_server(home: Path) -> None:
    """A second start, in another process too, finds the server that runs."""
    dsn = local_postgres.start(home)
    pid = server_pid(home)
    code = (
        "from pathlib import Path; from flows.local_postgres import start;"
        f"print(start(Path({str(home)!r})))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == dsn == local_postgres.start(home)
    assert server_pid(home) == pid
    assert answer(dsn) == 42


def test_many_processes_may_start_it_at_once(home: Path) -> None:
    """Eight starts at the same time make one server, and all get an answer."""
    code = (
        "import psycopg; from pathlib import Path; from flows.local_postgres import start;"
        f"psycopg.connect(start(Path({str(home)!r}))).close()"
    )
    starts = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(8)]
    assert [start.wait(timeout=120) for start in starts] == [0] * 8


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes the account")
def test_many_processes_may_make_the_account_at_once() -> None:
    """On a fresh machine the account gets one number, whoever comes first."""
    name = f"leadfold-{os.getpid()}"
    code = (
        "import pwd, sys; from flows import local_postgres as made;"
        f"made.ACCOUNT = {name!r}; print(flush=True); sys.stdin.readline();"
        "made._account(); print(pwd.getpwnam(made.ACCOUNT).pw_uid, flush=True)"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code]
    made = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    try:
        for each in made:
            assert each.stdout is not None
            each.stdout.readline()
        for each in made:
            assert each.stdin is not None
            each.stdin.write("now\n")
            each.stdin.flush()
        numbers = [each.communicate(timeout=60)[0] for each in made]
        assert [each.returncode for each in made] == [0] * 6
        assert len(set(numbers)) == 1
    finally:
        subprocess.run(["userdel", name], check=False, capture_output=True)


def test_a_killed_server_does_not_block_the_next_start(home: Path) -> None:
    """Neither its pid file nor a stranger who got its number by now is taken for the server."""
    local_postgres.start(home)
    pid = server_pid(home)
    os.kill(pid, 9)
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    # The kernel gives numbers out again: let the file name a living process that is no Postgres.
    pid_file.write_text(pid_file.read_text().replace(str(pid), str(os.getpid()), 1))
    assert answer(local_postgres.start(home)) == 42


def test_a_full_server_is_left_running(home: Path) -> None:
    """When no connection is to be had, the server is not stopped under those who have one."""
    dsn = local_postgres.start(home)
    pid = server_pid(home)
    with contextlib.ExitStack() as stack:
        held = []
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                held.append(stack.enter_context(psycopg.connect(dsn)))
        assert local_postgres.start(home) == dsn
        assert server_pid(home) == pid
        assert held[0].execute("SELECT 42").fetchone() == (42,)


def test_another_temporary_folder_finds_the_same_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket outside of a home with a long path is found wherever it is."""
    home = tmp_path / ("a long folder name, " * 5).strip()
    try:
        dsn = local_postgres.start(home)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        assert local_postgres.start(home) == dsn
        assert answer(dsn) == 42
    finally:
        local_postgres.stop(home)


def test_a_killed_initdb_does_not_block_the_next_start(home: Path) -> None:
    """A data folder appears whole or not at all."""
    half = home / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert answer(local_postgres.start(home)) == 42


def test_a_home_with_a_long_path_works(tmp_path: Path) -> None:
    """A Unix socket's path holds some 100 bytes; a home may have more, and blanks too."""
    home = tmp_path / ("a long folder name " * 5).strip()
    try:
        assert answer(local_postgres.start(home)) == 42
    finally:
        local_postgres.stop(home)


def test_only_its_owner_can_reach_the_server(home: Path) -> None:
    """Connections are trusted, so the folder of the socket is closed to other accounts."""
    local_postgres.start(home)
    for folder in (home / "postgres" / "run", home / "postgres" / "data"):
        assert folder.stat().st_mode & 0o077 == 0


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    """The end of the server's log is in the message."""
    local_postgres.start(home)
    local_postgres.stop(home)
    with (home / "postgres" / "data" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailableError, match="no_such_setting"):
        local_postgres.start(home)


@pytest.mark.parametrize(
    ("groups", "told", "chosen"),
    [
        ("0::/\n", {"memory.max": "2147483648"}, 256),
        ("0::/\n", {"memory.max": "4294967296"}, 512),
        ("0::/\n", {"memory.max": "1000000"}, 256),
        ("0::/\n", {"memory.max": "max"}, 1024),
        ("0::/\n", {}, 1024),
        (None, {"memory.max": "4294967296"}, 512),
        # A service of a user: the limit is that of a group about it.
        ("0::/a/b\n", {"a/memory.max": "4294967296", "a/b/memory.max": "max"}, 512),
        ("0::/a\n", {"a/memory.max": "4294967296", "b/memory.max": "1000000"}, 512),
        # As a container sees it that is in a group which it does not see.
        ("0::/far/away\n", {"memory.max": "4294967296"}, 512),
        ("4:memory:/a\n0::/\n", {"memory/a/memory.limit_in_bytes": "4294967296"}, 512),
        ("4:cpu,memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, 1024),
    ],
)
def test_an_eighth_of_what_we_may_take_is_for_pages(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: str | None,
    told: dict[str, str],
    chosen: int,
) -> None:
    """Within bounds; where nothing is told of a limit, it is an eighth of what the machine has."""
    for name, text in told.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    if groups:
        (tmp_path / "groups").write_text(groups)
    limits = {
        "": (tmp_path, "memory.max"),
        "memory": (tmp_path / "memory", "memory.limit_in_bytes"),
    }
    monkeypatch.setattr(memory, "_LIMITS", limits)
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=64 * 1024**3))
    assert local_postgres._choose_buffers() == chosen
