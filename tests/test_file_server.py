"""The server beside Prefect's: what it gives, and what it refuses."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import psycopg
import pytest

from flows import file_server
from flows.file_server import make_server
from flows.settings import Settings
from tests.conftest import Import
from tests.running import await_, free_port

TEXT = "name,phone\nAnn,+14155552671\nZed,12\n=cmd(),13\n"


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The server's address, until it is told to stop."""
    settings = replace(settings, files_port=free_port())
    stop = threading.Event()
    thread = threading.Thread(target=file_server.run, args=(settings, stop))
    thread.start()
    url = f"http://127.0.0.1:{settings.files_port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/").status_code > 0
        except httpx.ConnectError:
            return False

    try:
        await_(answers, "the file server")
        yield url
    finally:
        stop.set()
        thread.join()


def test_it_gives_rejects_as_csv(settings: Settings, import_text: Import) -> None:
    """As a file to save, which no spreadsheet runs and no browser opens as a page."""
    outcome = import_text(TEXT)
    with serving(settings) as url:
        answer = httpx.get(f"{url}/rejects/{outcome.import_id}.csv")
        assert answer.status_code == 200
        lines = answer.content.decode("utf-8-sig").splitlines()
        assert lines[0].startswith("_leadfold_import,_leadfold_line,")
        assert [line.split(",")[:2] for line in lines[1:]] == [
            [outcome.import_id, "3"],
            [outcome.import_id, "4"],
        ]
        assert "'=cmd()" in lines[2]
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        head = httpx.head(f"{url}/rejects/{outcome.import_id}.csv")
        assert (head.content, head.headers["content-length"]) == (b"", str(len(answer.content)))
        assert "leadfold" in httpx.get(f"{url}/metrics").text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/rejects/",
        "/rejects/import_0000000000000000000000000A.csv",
        "/rejects/import_' OR 1=1 --.csv",
        "/rejects/../../etc/passwd",
        "/metrics/",
    ],
)
def test_there_is_nothing_else(
    settings: Settings, connection: psycopg.Connection, path: str
) -> None:
    """No list, no file, no import that is not there."""
    with serving(settings) as url:
        assert httpx.get(url + path).status_code == 404


def test_who_may_ask(settings: Settings, connection: psycopg.Connection) -> None:
    """Only by its own address, or with the password where there is one; and only to read."""
    with serving(settings) as url:
        assert httpx.get(f"{url}/metrics", headers={"Host": "evil.example"}).status_code == 421
        assert httpx.get(f"{url}/metrics", headers={"Host": "localhost:1"}).status_code == 200
        assert httpx.post(f"{url}/metrics").status_code == 501
    with serving(replace(settings, ui_auth="ada:se:cret")) as url:
        for auth in (None, ("ada", "wrong"), ("ada", "")):
            assert httpx.get(f"{url}/metrics", auth=auth).status_code == 401
        assert httpx.get(f"{url}/metrics", headers={"Authorization": "Basic %%"}).status_code == 401
        assert httpx.get(f"{url}/metrics", auth=("ada", "se:cret")).status_code == 200


@pytest.fixture
def port(settings: Settings) -> Iterator[int]:
    with make_server(replace(settings, files_port=0)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port: int, path: str, host: str = "localhost", method: str = "GET") -> tuple[str, str]:
    """The status, and what follows the headers."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        client.shutdown(socket.SHUT_WR)
        head, _, body = client.makefile("rb").read().decode("utf-8-sig").partition("\r\n\r\n")
    return [*head.split(" "), "", ""][1], body


def test_it_answers_whatever_is_asked(
    connection: psycopg.Connection, import_text: Import, port: int
) -> None:
    """Addresses and hosts that are none get an answer; what is not named by its id is not there."""
    outcome = import_text("name,phone\nAnn,415-555-2671\nZed,12\n")
    path = f"/rejects/{outcome.import_id}.csv"
    status, body = ask(port, path)
    assert (status, body.count("Zed,12")) == ("200", 1)
    assert ask(port, f"{path}?x=1", method="HEAD") == ("200", "")
    for host in ("evil.example", "[", "[::1", "localhost.evil.example", ""):
        assert ask(port, path, host)[0] == "421", host
    for other in ("//[/x", f"/rejects/../{path}", "/rejects/import_1.csv", f"{path}%00", "/"):
        assert ask(port, other)[0] == "404", other
    assert ask(port, f"/rejects/import_{'0' * 26}.csv")[0] == "404"
    assert ask(port, path, method="POST")[0] == "501"
