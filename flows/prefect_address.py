"""Where Leadfold's own Prefect server listens, and what every Prefect process of ours is told."""

import ipaddress
import json
import os
import socket
import time
import urllib.request
from collections.abc import Callable

from contracts.errors import LeadfoldError, WrongCallError
from flows import UNTRACKED
from flows.settings import Settings

_ANYWHERE = ("0.0.0.0", "::")
_ASK_SECONDS = 0.1
_ANSWER_SECONDS = 5.0
# What would lead a process elsewhere than to our server.
_FOREIGN = (
    "PREFECT_API_KEY",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_SERVER_API_HOST",
)


def check_address(settings: Settings) -> None:
    """Refuse to be open to other machines without a password, or to listen where somebody does.

    Raises:
        WrongCallError: It is so; the message says what to set.
    """
    if settings.ui_auth and ":" not in settings.ui_auth:
        raise WrongCallError("LEADFOLD_UI_AUTH is no login.\nWrite user:password.")
    if not is_loopback(settings.ui_host) and not settings.ui_auth:
        raise WrongCallError(
            f"LEADFOLD_UI_HOST is {settings.ui_host}: other machines could come in without a login."
            "\nSet LEADFOLD_UI_AUTH to user:password, or LEADFOLD_UI_HOST to 127.0.0.1."
        )
    try:
        found = socket.getaddrinfo(settings.ui_host, settings.ui_port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WrongCallError(
            f"LEADFOLD_UI_HOST is '{settings.ui_host}', which is no address: {error.strerror}."
        ) from error
    family, kind, protocol, _, place = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            raise WrongCallError(
                f"Leadfold cannot listen on {settings.ui_host}, port {settings.ui_port}:"
                f" {(error.strerror or '').lower()}.\n"
                "Stop the program that does, or set LEADFOLD_UI_PORT to another port."
            ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server_url(settings: Settings) -> str:
    """Where processes of this machine find the server."""
    host = "127.0.0.1" if settings.ui_host in _ANYWHERE else settings.ui_host
    return f"http://{_in_url(host)}:{settings.ui_port}"


def ui_url(settings: Settings) -> str:
    """Where people find it."""
    host = socket.gethostname() if settings.ui_host in _ANYWHERE else settings.ui_host
    return f"http://{_in_url(host)}:{settings.ui_port}/v2"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def environment(settings: Settings) -> dict[str, str]:
    """The whole environment of a Prefect process: our server, nothing beyond this machine.

    Passwords travel so, and not as arguments, which everybody sees in the list of processes.
    """
    around = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    known = [around.get(name, "") for name in ("no_proxy", "NO_PROXY")]
    # A proxy of the machine is not for what stays on it.
    near = ",".join(filter(None, (*known, "127.0.0.1,localhost,::1", settings.ui_host)))
    told = {
        "LEADFOLD_HOME": str(settings.home),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": f"{server_url(settings)}/api",
        "PREFECT_UI_URL": ui_url(settings),
        **UNTRACKED,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # A run that waits for its deployment's turn looks again after so long.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "10",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "leadfold",
        # Lines of the services in `up` belong to no run.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "NO_PROXY": near,
        "no_proxy": near,
    }
    if around.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Each flow run is a process of its own, and would compile all modules anew.
        told["PYTHONPYCACHEPREFIX"] = str(settings.home / "pycache")
    if settings.ui_host in _ANYWHERE:
        # The browser of another machine asks where it found the page.
        told["PREFECT_UI_API_URL"] = "/api"
    if settings.ui_auth:
        told["PREFECT_SERVER_API_AUTH_STRING"] = settings.ui_auth
        told["PREFECT_API_AUTH_STRING"] = settings.ui_auth
    return {**around, **told}


def await_server(settings: Settings, seconds: float, is_off: Callable[[], bool]) -> bool:
    """Wait until the server answers; false once ``is_off`` says that nobody waits any more.

    Raises:
        LeadfoldError: It does not answer in time.
    """
    deadline = time.monotonic() + seconds
    while not is_off():
        if is_answering(settings):
            return True
        if time.monotonic() > deadline:
            raise LeadfoldError(
                f"The Prefect server does not answer at {server_url(settings)} after {seconds:.0f}"
                f" s.\nIts log is {settings.home / 'logs' / 'server.log'}."
            )
        time.sleep(_ASK_SECONDS)
    return False


def is_answering(settings: Settings) -> bool:
    """Whether the server is there and says that it is well."""
    # No proxy: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{server_url(settings)}/api/health", timeout=_ANSWER_SECONDS) as answer:
            return bool(json.load(answer))
    except (OSError, ValueError):
        return False
