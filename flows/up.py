"""The story of ``leadfold up``: everything started, watched, and stopped in good order."""

import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from contracts.errors import DatabaseUnavailableError, LeadfoldError
from flows import local_postgres, prefect_address, warehouse
from flows.alone import DatabaseHold, alone, until_signal
from flows.children import Child, end_leftovers, start_child
from flows.prefect_database import ensure_database
from flows.settings import Settings

SERVICES = (
    *("flows.drop_watch:run", "flows.forms:run", "flows.file_server:run"),
    "flows.feed_schedules:run",
)
"""What runs beside, each in a thread: ``run(settings, stop)``."""

ASKING = ("flows.asking:ask_pending",)
"""What is called once the deployments are served, and twice a minute then: ``ask(settings)``."""

Tell = Callable[[str], None]

# A busy machine takes its time; who waits in vain is told by the log.
_SERVER_SECONDS = 300.0
_TICK_SECONDS = 0.5
_SWEEP_SECONDS = 10.0
_ASK_SECONDS = 30.0
_DATABASE_SECONDS = 5.0
_RESTART_SECONDS = 5.0
# A child that dies so often within so long will not get better by itself.
_DEATHS = 5
_DEATHS_SECONDS = 120.0
# Flow runs get five of these to roll back.
_SERVING_STOP_SECONDS = 12.0
_SERVER_STOP_SECONDS = 6.0
_LEFTOVERS_SECONDS = 5.0
_SERVICE_STOP_SECONDS = 5.0

_log = logging.getLogger("leadfold")


def run_up(settings: Settings, tell: Tell) -> None:
    """Run Leadfold until a signal.

    Raises:
        WrongCallError: It runs already, the port is taken, or a setting does not hold.
        LeadfoldError: A part does not start, or dies again and again.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    _log_here()
    with alone(settings), until_signal() as stop:
        for name in end_leftovers(settings.home, _LEFTOVERS_SECONDS):
            tell(f"Ended what an earlier 'leadfold up' had left running: {name}.")
        prefect_address.check_address(settings)
        for folder in (settings.inbox, settings.drop):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        was_running = bool(settings.database_url) or local_postgres.is_running(settings.home)
        house = House(settings, ensure_database(settings), stop, tell)
        try:
            house.hold.take()
            house.start()
            house.watch()
        finally:
            tell("Stopping ...")
            house.stop()
            house.hold.release()
            if not was_running and not _is_used(settings):
                local_postgres.stop(settings.home)
    tell("Stopped. What was under way goes on at the next start.")


class House:
    """The processes and threads of a running Leadfold."""

    def __init__(
        self, settings: Settings, database_url: str, stop: threading.Event, tell: Tell
    ) -> None:
        self.settings = settings
        self.stopping = stop
        self.tell = tell
        self.environment = prefect_address.environment(settings)
        # What runs in this process finds the server by the same words. Prefect reads them when it
        # is first imported, which is why that is done late.
        os.environ.update(self.environment)
        for name in set(os.environ) - set(self.environment):
            del os.environ[name]
        self.commands: dict[str, tuple[Sequence[str], dict[str, str]]] = {
            "server": (
                (sys.executable, "-m", "flows.prefect_server"),
                self.environment | {"PREFECT_API_DATABASE_CONNECTION_URL": database_url},
            ),
            "serving": ((sys.executable, "-m", "flows.serving"), self.environment),
        }
        self.children: dict[str, Child] = {}
        self.deaths: dict[str, list[float]] = {name: [] for name in self.commands}
        self.threads: list[threading.Thread] = []
        self.suspects: dict[UUID, UUID] = {}
        self.hold = DatabaseHold(settings)

    def start(self) -> None:
        """Start all parts, and tell where people find them."""
        # The schema is there before anybody needs it.
        warehouse.connect(self.settings, "leadfold up").close()
        begun = datetime.now(UTC)
        (self.settings.home / "up" / "serving").unlink(missing_ok=True)
        for name in self.commands:
            self._start_child(name)
        from flows.alerts import set_up_alerts
        from flows.pools import ensure_pool
        from flows.sweeping import sweep

        if not self._await_server():
            return
        ensure_pool(self.settings)
        alerts = set_up_alerts(self.settings)
        for sentence in sweep(self.settings, self.suspects, begun):
            self.tell(sentence)
        for dotted in SERVICES:
            thread = threading.Thread(target=self._run_service, args=(dotted,), name=dotted)
            thread.daemon = True
            thread.start()
            self.threads.append(thread)
        if self._await_serving():
            self._ask()
            for line in _welcome(self.settings, alerts):
                self.tell(line)

    def watch(self) -> None:
        """Keep all parts running until a signal."""
        from flows.sweeping import sweep

        swept = asked = looked = time.monotonic()
        while not self.stopping.wait(_TICK_SECONDS):
            is_due = time.monotonic() - swept > _SWEEP_SECONDS
            begun: datetime | None = None
            if time.monotonic() - looked > _DATABASE_SECONDS:
                self._look_at_database()
                looked = time.monotonic()
            if time.monotonic() - asked > _ASK_SECONDS:
                self._ask()
                asked = time.monotonic()
            for name, child in list(self.children.items()):
                if not child.is_running:
                    begun = self._restart(name, child)
            if not (is_due or begun):
                continue
            try:
                if self._await_server():
                    for sentence in sweep(self.settings, self.suspects, begun):
                        self.tell(sentence)
            except Exception as error:
                # The server or Postgres may be away for a moment; the next sweep finds the same.
                _log.warning("Runs could not be swept: %s.", type(error).__name__)
            swept = time.monotonic()

    def _look_at_database(self) -> None:
        """See that Postgres runs, and that no other works with it.

        Raises:
            WrongCallError: Another ``leadfold up`` has taken it while Postgres was away.
        """
        if not self.settings.database_url:
            local_postgres.start(self.settings.home)
        try:
            self.hold.take()
        except (DatabaseUnavailableError, psycopg.Error) as error:
            _log.warning("The database is not held: %s.", type(error).__name__)

    def stop(self) -> None:
        """Stop all parts: first what starts work, last what is asked by all."""
        self.stopping.set()
        begun = datetime.now(UTC)
        if serving := self.children.get("serving"):
            serving.end(_SERVING_STOP_SECONDS)
        for thread in self.threads:
            thread.join(_SERVICE_STOP_SECONDS)
        if "server" in self.children:
            self._put_back(begun)
            self.children["server"].end(_SERVER_STOP_SECONDS)

    def _put_back(self, begun: datetime) -> None:
        """See to it that nothing is left 'Running' by those who could not say that they stop."""
        from flows.sweeping import put_back

        try:
            put_back(self.settings, begun)
        except Exception as error:
            _log.warning(
                "Runs are not put back, which the next start does: %s.", type(error).__name__
            )

    def _start_child(self, name: str) -> None:
        command, environment = self.commands[name]
        self.children[name] = start_child(name, command, self.settings.home, environment)

    def _restart(self, name: str, child: Child) -> datetime:
        """Start a child again that has died, without what it had started.

        Raises:
            LeadfoldError: It keeps dying.
        """
        now = time.monotonic()
        self.deaths[name] = [at for at in self.deaths[name] if now - at < _DEATHS_SECONDS] + [now]
        if len(self.deaths[name]) >= _DEATHS:
            raise LeadfoldError(
                f"The part '{name}' of Leadfold died {_DEATHS} times within"
                f" {_DEATHS_SECONDS:.0f} s.\nIts log is {child.log}."
            )
        self.tell(f"The part '{name}' has died and is started again. Its log is {child.log}.")
        child.end_orphans(_LEFTOVERS_SECONDS)
        begun = datetime.now(UTC)
        self._start_child(name)
        return begun

    def _await_server(self) -> bool:
        """Wait for the server; false when it is not to be waited for any more."""
        child = self.children["server"]
        is_off = lambda: self.stopping.is_set() or not child.is_running  # noqa: E731
        if prefect_address.await_server(self.settings, _SERVER_SECONDS, is_off):
            return True
        if not self.stopping.is_set() and not self.deaths["server"]:
            tail = child.log.read_text(errors="replace").splitlines()[-1:]
            raise LeadfoldError(
                "\n".join((f"The Prefect server does not start. Its log is {child.log}.", *tail))
            )
        return False

    def _await_serving(self) -> bool:
        """Wait until the deployments are registered."""
        child = self.children["serving"]
        ready = self.settings.home / "up" / "serving"
        while not self.stopping.is_set() and not ready.exists():
            if not child.is_running:
                raise LeadfoldError(f"The deployments are not served. Its log is {child.log}.")
            time.sleep(_TICK_SECONDS / 5)
        return not self.stopping.is_set()

    def _ask(self) -> None:
        for dotted in ASKING:
            try:
                _find(dotted)(self.settings)
            except Exception as error:
                # The server or Postgres may be away for a moment.
                _log.warning("%s: %s", dotted, type(error).__name__)

    def _run_service(self, dotted: str) -> None:
        while not self.stopping.is_set():
            try:
                _find(dotted)(self.settings, self.stopping)
            except Exception as error:
                # Its text may hold what is nobody's business.
                _log.exception("%s: %s", dotted, type(error).__name__)
            self.stopping.wait(_RESTART_SECONDS)


def _log_here() -> None:
    """Show on the terminal what the services tell."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


def _find(dotted: str) -> Callable[..., None]:
    module, _, name = dotted.partition(":")
    found: Callable[..., None] = getattr(importlib.import_module(module), name)
    return found


def _welcome(settings: Settings, alerts: Sequence[str]) -> Iterator[str]:
    yield f"Leadfold is up: {prefect_address.ui_url(settings)}"
    yield f"  files for the form   {settings.inbox}/TEAM/"
    yield f"  drop folder          {settings.drop}/TEAM/SOURCE/ (SOURCE may be auto)"
    # The menu of the UI does not lead there.
    yield f"  reports              {prefect_address.ui_url(settings)}/artifacts"
    yield f"  alerts               {', '.join(alerts) or 'off; see docs/running.md'}"
    yield "  to stop              Ctrl-C"


def _is_used(settings: Settings) -> bool:
    """Whether others work with the embedded Postgres."""
    with closing(warehouse.open_connection(settings, "leadfold up")) as connection:
        found = connection.execute(
            "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        return found.fetchone() is not None
