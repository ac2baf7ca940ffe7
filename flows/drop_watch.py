"""Watches the drop folder, and starts an import run when something is ready."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import Change, watch

from contracts.feeds import AUTO
from flows import warehouse
from flows.drop_claims import FOLDER
from flows.drop_runs import start_imports, teams_with_work
from flows.dropped_files import SETTLE_SECONDS, Dropped, Settling, list_dropped
from flows.dropping import list_abandoned, refuse_nobodys, settle_held
from flows.settings import Settings
from flows.teams import Team, list_teams

LOG = logging.getLogger("leadfold")

# Events can be lost, and a process that has claimed a file can die without one.
_LOOK_SECONDS = 10.0
_STEP_MS = 500
# Where a run left what it was started for, the next one waits ever longer.
_LONGEST_WAIT_SECONDS = 900.0


@dataclass(frozen=True)
class _Started:
    """A team's last run.

    Attributes:
        work: What it was started for.
        at: When, on the monotonic clock.
        wait_seconds: How long the next one for the same waits.
    """

    work: frozenset[str]
    at: float
    wait_seconds: float


@dataclass
class _Watcher:
    settings: Settings
    settling: Settling = field(default_factory=Settling)
    started: dict[str, _Started] = field(default_factory=dict)

    def look(self) -> bool:
        """See what is ready, and have it imported; tell whether something is better seen soon."""
        settings = self.settings
        with warehouse.connected(settings, "leadfold drop watch") as connection:
            teams = list_teams(connection)
        make_folders(settings, teams)
        ready = list_dropped(settings, teams, self.settling)
        for ended in (*settle_held(settings), *refuse_nobodys(settings, ready)):
            LOG.info("%s: %s, now in %s", ended.claim.name, ended.status, ended.path.parent)
        work = {
            team_id: self._work_of(team_id, ready) for team_id in teams_with_work(settings, ready)
        }
        due = [team_id for team_id in work if self._is_due(team_id, work[team_id])]
        begun = start_imports(settings, due)
        for team_id in begun:
            last = self.started.get(team_id)
            wait = 2 * last.wait_seconds if last and last.work == work[team_id] else _LOOK_SECONDS
            self.started[team_id] = _Started(
                work[team_id], time.monotonic(), min(wait, _LONGEST_WAIT_SECONDS)
            )
            LOG.info("%s: something was dropped; an import run is on its way", team_id)
        # A team's run may be ending that has not seen the last file any more.
        return self.settling.unsettled > 0 or len(begun) < len(due)

    def _work_of(self, team_id: str, ready: Sequence[Dropped]) -> frozenset[str]:
        """What a run of a team would be about."""
        claims = (c.import_id for c in list_abandoned(self.settings) if c.team_id == team_id)
        return frozenset((*claims, *(str(d.path) for d in ready if d.team_id == team_id)))

    def _is_due(self, team_id: str, work: frozenset[str]) -> bool:
        last = self.started.get(team_id)
        is_new = last is None or last.work != work
        return is_new or (last is not None and time.monotonic() - last.at >= last.wait_seconds)


def run(settings: Settings, stop: threading.Event) -> None:
    """Watch the drop folder until ``stop`` is set.

    A look that fails, as while the database or Prefect's server is away, is followed by the next.
    """
    watcher = _Watcher(settings)
    settings.drop.mkdir(parents=True, exist_ok=True)
    last, has_news = time.monotonic() - _LOOK_SECONDS, False
    for changes in watch(
        settings.drop,
        watch_filter=_is_news,
        step=100,
        debounce=_STEP_MS,
        rust_timeout=_STEP_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        has_news |= bool(changes)
        wait = SETTLE_SECONDS if has_news else _LOOK_SECONDS
        if stop.is_set() or time.monotonic() - last < wait:
            continue
        last = time.monotonic()
        try:
            has_news = watcher.look()
        except Exception as error:
            # Its text may hold an address with a password in it.
            LOG.warning("The drop folder could not be looked at: %s.", type(error).__name__)


def make_folders(settings: Settings, teams: Sequence[Team]) -> None:
    """See that each team has a folder to drop files into."""
    settings.drop.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in settings.drop.iterdir()}
    for team in teams:
        if not {team.team_id, team.name} & there:
            (settings.drop / team.team_id / AUTO).mkdir(parents=True, exist_ok=True)


def _is_news(_: Change, path: str) -> bool:
    return FOLDER not in Path(path).parts
