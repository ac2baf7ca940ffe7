"""Locations of feeds: a folder, and a real SFTP server on loopback."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import psycopg
import pytest

from contracts.errors import FileNotStableError, LocationError
from contracts.feeds import Feed
from flows import ledger, locations
from flows.feeds import choose_feeds
from flows.importing import run_import
from flows.jobs import make_import_id
from flows.locations import FileRefusedError, Found, reach
from flows.settings import Settings
from flows.syncing import FileSync, Syncing, sync_feed
from tests.sftp_server import PASSWORD, USER, Server, serve

LONG_AGO = 1_700_000_000


@pytest.fixture(scope="module")
def login_key() -> paramiko.PKey:
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def server(
    tmp_path: Path, login_key: paramiko.PKey, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    monkeypatch.setattr(locations, "_BACKOFF_SECONDS", 0.0)
    (tmp_path / "outgoing").mkdir()
    with serve(tmp_path / "outgoing", login_key) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(tmp_path)


def put(folder: Path, name: str, text: str = "phone\n+14155552671\n", at: int = LONG_AGO) -> Path:
    path = folder / name
    path.write_text(text)
    os.utime(path, (at, at))
    return path


def of_server(server: Server, **said: Any) -> Feed:
    """A feed of this server, whose key is known; it logs in by password."""
    options = {
        "password": "${SFTP_PASSWORD}",
        "host_key": f"{server.key.get_name()} {server.key.get_base64()}",
        **said.pop("options", {}),
    }
    options = {name: value for name, value in options.items() if value is not None}
    told = {"id": "vendor", "team": "acme", "source": "generic", "location": server.address}
    return Feed.model_validate({**told, "options": options, **said})


def names(feed: Feed, home: Settings) -> list[str]:
    with reach(feed, home) as location:
        return [each.name for each in location.list_files()]


@pytest.mark.parametrize("place", ["folder", "server"])
def test_files_are_listed_and_fetched(
    server: Server, home: Settings, tmp_path: Path, place: str
) -> None:
    """Those of the pattern; nothing unfinished, no folder, no link. A copy is its owner's."""
    outgoing = tmp_path / "outgoing"
    for name in ("b.csv", "a.csv", "c.csv.part", ".hidden.csv", "d.tmp", "e.txt", "f.csv.filepart"):
        put(outgoing, name)
    (outgoing / "folder.csv").mkdir()
    (outgoing / "link.csv").symlink_to(outgoing / "a.csv")
    feed = of_server(server, pattern="*.csv*")
    if place == "folder":
        feed = feed.model_copy(update={"location": "outgoing"})
    with reach(feed, home) as location:
        found = location.list_files()
        assert [each.name for each in found] == ["a.csv", "b.csv"]
        assert {each.modified_at.timestamp() for each in found} == {LONG_AGO}
        target = tmp_path / "copy.csv"
        digest = location.fetch(found[0], target)
    assert target.read_text() == "phone\n+14155552671\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert len(digest) == 64


def test_who_may_enter(
    server: Server, home: Settings, tmp_path: Path, login_key: paramiko.RSAKey
) -> None:
    """By password, out of the environment in address or options, or by key; else it is told."""
    put(tmp_path / "outgoing", "a.csv")
    key_file = tmp_path / "login_key"
    login_key.write_private_key_file(str(key_file))
    no_password = {"password": None}
    in_address = server.address.replace(USER, f"{USER}:${{SFTP_PASSWORD}}")
    for feed in (
        of_server(server),
        of_server(server, location=in_address, options=no_password),
        of_server(server, options={**no_password, "key_filename": str(key_file)}),
    ):
        assert names(feed, home) == ["a.csv"]
    with pytest.raises(LocationError) as error:
        names(of_server(server, options={"username": "eve"}), home)
    assert "does not let 'eve' in" in str(error.value)
    with pytest.raises(LocationError, match="the environment has no NOBODY_SET_IT"):
        names(of_server(server, options={"password": "${NOBODY_SET_IT}"}), home)


def test_a_server_must_be_who_it_is_meant_to_be(
    server: Server, home: Settings, tmp_path: Path
) -> None:
    """By its key, its key's fingerprint or a known_hosts; nobody else gets the password."""
    known = tmp_path / "known_hosts"
    known.touch()
    unknown = {"host_key": None, "known_hosts": str(known)}
    with pytest.raises(LocationError) as error:
        names(of_server(server, options=unknown), home)
    assert f"Nobody has said that the key of [127.0.0.1]:{server.port} is right" in str(error.value)
    assert str(server.key.fingerprint) in str(error.value)
    known.write_text(f"[127.0.0.1]:{server.port} ssh-rsa {server.key.get_base64()}\n")
    assert names(of_server(server, options=unknown), home) == []
    assert names(of_server(server, options={"host_key": server.key.fingerprint}), home) == []
    other = paramiko.RSAKey.generate(2048)
    for host_key in (f"ssh-rsa {other.get_base64()}", other.fingerprint):
        with pytest.raises(LocationError, match="has another key than it should"):
            names(of_server(server, options={"host_key": host_key}), home)
    with pytest.raises(LocationError, match="host_key is no public key"):
        names(of_server(server, options={"host_key": "rsa"}), home)


def test_what_breaks_on_the_way_is_tried_again(
    server: Server, home: Settings, tmp_path: Path
) -> None:
    """A connection that is cut, when it is made or later, costs nothing but time."""
    put(tmp_path / "outgoing", "a.csv")
    server.drops = 2
    with reach(of_server(server), home) as location:
        (found,) = location.list_files()
        for transport in server._transports:
            transport.close()
        location.fetch(found, tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_text() == "phone\n+14155552671\n"


def test_who_does_not_answer_is_not_waited_for(server: Server, home: Settings) -> None:
    """Nobody speaking, nobody listening, and an address that nothing can read."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = f"sftp://{USER}@127.0.0.1:{mute.getsockname()[1]}/"
        with pytest.raises(LocationError, match="it does not answer in time"):
            names(of_server(server, location=silent, answer_seconds=1), home)
    server.close()
    with pytest.raises(LocationError, match="nobody listens there"):
        names(of_server(server), home)
    with pytest.raises(LocationError, match="it cannot be read so: Protocol not known: nosuch"):
        names(of_server(server, location="nosuch://host/x"), home)


def test_a_file_that_is_not_given_is_told_alone(
    server: Server, home: Settings, tmp_path: Path
) -> None:
    """One that may not be read, one that has changed since, one that is gone."""
    outgoing = tmp_path / "outgoing"
    for name in ("forbidden.csv", "growing.csv", "gone.csv"):
        put(outgoing, name)
    target = tmp_path / "copy.csv"
    with reach(of_server(server), home) as location:
        forbidden, gone, growing = location.list_files()
        with pytest.raises(FileRefusedError, match="does not let us read it"):
            location.fetch(forbidden, target)
        put(outgoing, "growing.csv", "phone\n")
        with pytest.raises(FileNotStableError):
            location.fetch(growing, target)
        (outgoing / "gone.csv").unlink()
        with pytest.raises(FileNotStableError):
            location.fetch(gone, target)


def test_a_file_is_left_while_it_is_written(home: Settings, tmp_path: Path) -> None:
    """What changes between two looks is not taken; what was taken needs no second look."""
    folder = tmp_path / "outgoing"
    folder.mkdir()
    put(folder, "old.csv")
    put(folder, "new.csv", at=int(time.time()) + 500)  # a clock that runs ahead
    growing = put(folder, "growing.csv", at=int(time.time()))
    told = {"id": "a", "team": "t", "source": "generic", "location": "outgoing"}
    feed = Feed.model_validate({**told, "settle_seconds": 1})
    stop = threading.Event()

    def write() -> None:
        with growing.open("a") as file:
            while not stop.wait(0.01):
                file.write("+14155552671\n")
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with reach(feed, home) as location:
            found, unsettled = location.list_settled(lambda each: False)
    finally:
        stop.set()
        writer.join()
    assert [each.name for each in found] == ["growing.csv", "new.csv", "old.csv"]
    assert [Found(path, 0, found[0].modified_at).name for path in unsettled] == ["growing.csv"]
    with reach(feed.model_copy(update={"settle_seconds": 3600}), home) as location:
        assert location.list_settled(lambda each: True)[1] == ()


def test_a_feed_is_synced_from_a_server(
    server: Server,
    settings: Settings,
    connection: psycopg.Connection,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is new comes in under its own name, once; its password is nowhere."""
    caplog.set_level(logging.DEBUG)
    outgoing = tmp_path / "outgoing"
    put(outgoing, "list_1.csv")
    put(outgoing, "forbidden.csv", at=LONG_AGO + 1)
    put(outgoing, "list_2.csv", "phone\n+14155552672\n", LONG_AGO + 2)
    settings.home.mkdir()
    (settings.home / "feeds.yaml").write_text(
        "feeds:\n- {id: vendor, team: acme, source: generic,"
        f" location: '{server.address}', options: {{password: '${{SFTP_PASSWORD}}',"
        f" host_key: '{server.key.fingerprint}'}}}}\n"
    )
    (feed,) = choose_feeds(settings)
    told: list[FileSync] = []
    how = Syncing(
        settings,
        lambda request: run_import(request, settings),
        lambda key: make_import_id(),
        lambda feed, file: told.append(file),
        "command",
    )
    done = sync_feed(feed, how)
    assert [(file.name, file.status) for file in done.files] == [
        ("list_1.csv", "done"),
        ("forbidden.csv", "failed"),
        ("list_2.csv", "done"),
    ]
    again = sync_feed(feed, how)
    # Nobody knows what is in a file that cannot be read, so it is tried each time.
    assert [(file.name, file.status) for file in again.files] == [("forbidden.csv", "failed")]
    entries = ledger.list_imports(connection)
    assert [(entry.file_name, entry.feed_id) for entry in entries] == [
        ("list_2.csv", "vendor"),
        ("list_1.csv", "vendor"),
    ]
    assert PASSWORD not in caplog.text + repr((done, told, entries))
