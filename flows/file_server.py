"""A small server for what does not fit into Prefect's pages: rejected rows as CSV, and metrics.

It only reads. It listens where ``leadfold up`` listens, on a port of its own.
"""

import base64
import binascii
import hmac
import ipaddress
import logging
import re
import socket
import tempfile
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from contracts.errors import LeadfoldError
from flows import import_issues, ledger, report, warehouse
from flows.settings import Settings

_REJECTS = re.compile(r"/rejects/(import_[0-9A-Z]{26})\.csv")
_BLOCK_BYTES = 64 * 1024
_logger = logging.getLogger("leadfold")


def run(settings: Settings, stop: threading.Event) -> None:
    """Serve until ``stop`` is set.

    Raises:
        OSError: The port is taken.
    """
    with make_server(settings) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True)
        thread.start()
        stop.wait()
        server.shutdown()
        thread.join()


def make_server(settings: Settings) -> ThreadingHTTPServer:
    """The server, listening but not serving yet.

    Raises:
        OSError: The port is taken.
    """
    handler = type("Handler", (_Handler,), {"settings": settings})
    family = socket.AF_INET6 if ":" in settings.ui_host else socket.AF_INET
    server = type("Server", (ThreadingHTTPServer,), {"address_family": family})
    made = server((settings.ui_host, settings.files_port), handler)
    made.daemon_threads = True
    return made  # type: ignore[no-any-return]


class _Handler(BaseHTTPRequestHandler):
    settings: Settings
    timeout = 30
    server_version = "leadfold"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing: an address may hold anything."""

    def _answer(self) -> None:
        if not _is_own_host(self.headers.get("Host", ""), self.settings):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
        elif not _may_enter(self.headers.get("Authorization", ""), self.settings):
            self._refuse(HTTPStatus.UNAUTHORIZED)
        else:
            try:
                self._serve(self.path.partition("?")[0])
            except (LeadfoldError, psycopg.Error) as error:
                _logger.warning("The file server: %s", type(error).__name__)
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    def _serve(self, path: str) -> None:
        if path == "/metrics":
            from flows.metrics import write_metrics

            with warehouse.connected(self.settings, "leadfold metrics") as connection:
                body = write_metrics(connection).encode()
            self._head(len(body), "text/plain; version=0.0.4; charset=utf-8")
            if self.command == "GET":
                self.wfile.write(body)
        elif found := _REJECTS.fullmatch(path):
            self._send_rejects(found[1])
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _send_rejects(self, import_id: str) -> None:
        with warehouse.connected(self.settings, "leadfold rejects") as connection:
            entry = ledger.get_import(connection, import_id)
            if entry is None:
                self._refuse(HTTPStatus.NOT_FOUND)
                return
            issues = import_issues.list_issues(connection, entry, "reject")
        with tempfile.TemporaryDirectory(prefix="leadfold-") as folder:
            path = Path(folder) / "rejects.csv"
            report.write_rejects(path, entry, issues)
            name = f"rejects_{import_id}.csv"
            self._head(path.stat().st_size, "text/csv; charset=utf-8", name)
            if self.command == "GET":
                with path.open("rb") as file:
                    while block := file.read(_BLOCK_BYTES):
                        self.wfile.write(block)

    def _head(self, length: int, kind: str, name: str = "") -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.send_header("Cache-Control", "no-store")
        if name:
            self.send_header("Content-Disposition", f'attachment; filename="{name}"')
        self.end_headers()

    def _refuse(self, status: HTTPStatus) -> None:
        body = f"{status.phrase}.\n".encode()
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="leadfold"')
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _is_own_host(host: str, settings: Settings) -> bool:
    """Whether a request names this server by an address, or by the name it was told.

    A page of somebody else's may have its own name lead here; the browser then sends that name,
    and no password. So where there is one, the name does not matter.
    """
    if settings.ui_auth:
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name in ("localhost", settings.ui_host.lower()):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _may_enter(authorization: str, settings: Settings) -> bool:
    if not settings.ui_auth:
        return True
    scheme, _, told = authorization.partition(" ")
    try:
        said = base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(said, settings.ui_auth.encode())
