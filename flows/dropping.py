"""The story of a dropped file: claimed, imported, and put where it belongs with a report."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from polars.exceptions import PanicException

from contracts.errors import LeadfoldError, WrongCallError
from flows import drop_claims, ledger, warehouse
from flows.archiving import archive, list_imported
from flows.drop_claims import Claim
from flows.drop_report import BESIDE, note_not_kept, remove_reports, write_reports
from flows.dropped_files import (
    SETTLE_SECONDS,
    Dropped,
    Settling,
    is_being_written,
    list_dropped,
)
from flows.jobs import Outcome, Request, member_import_id
from flows.moving import move_over, reserve
from flows.settings import Settings
from flows.teams import Team, list_teams
from flows.workspace import is_held

NOBODYS = "_no_team"
"""The folder of the quarantine for files of no team; no team's id begins so."""

HELD = "held"
"""The folder of a team's quarantine for files whose import waits for a decision."""

# A file that ends the process that imports it would do so for ever.
_TRIES = 3
# Nor is a file to wait for ever for what does not pass.
_POSTPONED = 12
_LOOK_SECONDS = 0.2

ImportOne = Callable[[Request], list[Outcome]]


@dataclass(frozen=True)
class Ended:
    """A dropped file that is dealt with.

    Attributes:
        claim: The file.
        outcomes: What became of it; none: it was refused.
        path: Where it lies now.
    """

    claim: Claim
    outcomes: list[Outcome]
    path: Path

    @property
    def status(self) -> str:
        """done, held or failed; of an archive the worst."""
        statuses = {outcome.status for outcome in self.outcomes}
        for status in ("held", "failed", "declined"):
            if status in statuses:
                return status
        return "done" if self.outcomes else "failed"


def import_dropped_files(team: Team, settings: Settings, import_one: ImportOne) -> Iterator[Ended]:
    """Import all that is ready for a team, one after the other, until nothing is left.

    What other processes had claimed and did not bring to an end comes first. What fails for a
    reason that may pass stays claimed, and is taken up by a later call.

    Yields:
        Each file when it is dealt with.

    Raises:
        DatabaseUnavailableError: Postgres does not answer.
        OSError: A disk is full, or the like.
    """
    settling = Settling()
    left, tried = set[str](), set[Path]()
    while True:
        claims = [each for each in list_abandoned(settings) if each.team_id == team.team_id]
        for claim in claims:
            if claim.import_id not in left:
                left.add(claim.import_id)
                yield from _end(claim.import_id, settings, import_one)
        found = list_ready(settings, settling)
        ready = [each for each in found if each.team_id == team.team_id and each.path not in tried]
        for dropped in ready:
            taken = drop_claims.take(dropped, settings)
            if taken is None:
                tried.add(dropped.path)
                continue
            left.add(taken.import_id)
            yield from _end(taken.import_id, settings, import_one)
        if not ready:
            if not _may_settle(settling):
                return
            time.sleep(_LOOK_SECONDS)


def _may_settle(settling: Settling) -> bool:
    """Whether some file was changed so lately that it is worth waiting for."""
    now = time.monotonic()
    return any(now - since < 2 * SETTLE_SECONDS for _, since in settling.seen.values())


def list_ready(settings: Settings, settling: Settling | None = None) -> list[Dropped]:
    """What is ready in the drop folder, of all teams and of none."""
    with warehouse.connected(settings, "leadfold drop folder") as connection:
        return list_dropped(settings, list_teams(connection), settling)


def list_abandoned(settings: Settings) -> list[Claim]:
    """Claims that nobody works on, though their files are not where they belong."""
    return [
        claim
        for claim in drop_claims.list_claims(settings)
        if not claim.is_held and not is_held(drop_claims.lock_of(claim.import_id, settings))
    ]


def refuse_nobodys(settings: Settings, found: Sequence[Dropped]) -> list[Ended]:
    """Put what belongs to no team into quarantine, each with a report."""
    ended: list[Ended] = []
    for claim in list_abandoned(settings):
        if not claim.team_id:
            ended += _end(claim.import_id, settings, _import_nothing)
    for dropped in found:
        if not dropped.team_id and (taken := drop_claims.take(dropped, settings)):
            ended += _end(taken.import_id, settings, _import_nothing)
    return ended


def _import_nothing(_: Request) -> list[Outcome]:
    raise WrongCallError("It was not known whose file this is.")


def settle_held(settings: Settings) -> list[Ended]:
    """Move on the files of held imports about which somebody has decided since."""
    waiting = [claim for claim in drop_claims.list_claims(settings) if claim.is_held]
    if not waiting:
        return []
    ended = []
    with warehouse.connected(settings, "leadfold drop folder") as connection:
        for claim in waiting:
            with drop_claims.hold(claim.import_id, settings) as held:
                if held and (decided := _settle(connection, held, settings)):
                    ended.append(decided)
    return ended


def _settle(connection: psycopg.Connection, claim: Claim, settings: Settings) -> Ended | None:
    if not Path(claim.ends_at).is_file():
        # Somebody took it away. What becomes of the import does not depend on it.
        drop_claims.forget(claim, settings)
        return None
    outcomes = _list_outcomes(connection, claim.import_id)
    if not outcomes or any(each.status in ("held", "running") for each in outcomes):
        return None
    old = Path(claim.ends_at)
    # From now on it is an abandoned claim, should this process die.
    ended = _place(replace(claim, aside=str(old)), outcomes, settings)
    write_reports(connection, ended.claim, outcomes, ended.path)
    _put_away(connection, old, ended)
    remove_reports(old)
    drop_claims.forget(claim, settings)
    return ended


def _list_outcomes(connection: psycopg.Connection, import_id: str) -> list[Outcome]:
    found: list[Outcome] = []
    while entry := ledger.get_import(connection, member_import_id(import_id, len(found))):
        found.append(Outcome.of_entry(entry))
    return found


def _end(import_id: str, settings: Settings, import_one: ImportOne) -> Iterator[Ended]:
    """Bring a claim to its end, unless somebody else does, or it is better tried again later."""
    with drop_claims.hold(import_id, settings) as claim:
        if claim is None or claim.is_held:
            return
        if claim.is_file and not drop_claims.is_there(claim, settings):
            # It lies where it belongs already, or was never taken.
            drop_claims.forget(claim, settings)
            return
        if is_being_written(claim.path(settings)):
            # Who had it open when it was renamed goes on writing to it.
            return
        outcomes: list[Outcome] = []
        if not claim.refusal:
            with _counting(claim, settings) as claim:
                claim, outcomes = _import(claim, settings, import_one)
            if claim.postponed < _POSTPONED and any(each.is_passing for each in outcomes):
                drop_claims.keep(replace(claim, postponed=claim.postponed + 1), settings)
                return
        yield _finish(claim, outcomes, settings)


@contextmanager
def _counting(claim: Claim, settings: Settings) -> Iterator[Claim]:
    """Count the times that the process dies within; an error is no death."""
    if claim.tries >= _TRIES:
        yield replace(
            claim,
            refusal=f"{_TRIES} times the process ended while it imported this file, so it is not"
            " tried again. Is there enough memory (LEADFOLD_MEMORY_LIMIT)?",
        )
        return
    drop_claims.keep(replace(claim, tries=claim.tries + 1), settings)
    try:
        yield claim
    finally:
        drop_claims.keep(claim, settings)


def _import(claim: Claim, settings: Settings, import_one: ImportOne) -> tuple[Claim, list[Outcome]]:
    if claim.refusal:
        return claim, []
    request = Request(
        claim.path(settings),
        claim.team_id,
        claim.source,
        started_by=claim.dropped_by,
        import_id=claim.import_id,
        origin="drop",
    )
    try:
        return claim, import_one(request)
    except WrongCallError as error:
        return replace(claim, refusal=str(error)), []
    except (LeadfoldError, OSError, psycopg.Error):
        raise
    except (Exception, PanicException) as error:
        # Others are not to wait for ever behind a file that we cannot handle.
        return replace(claim, refusal=f"A fault of Leadfold's: {type(error).__name__}."), []


def _finish(claim: Claim, outcomes: list[Outcome], settings: Settings) -> Ended:
    """Write the report, then move the file: where it lies, its report is."""
    ended = _place(claim, outcomes, settings)
    path = claim.path(settings)
    if outcomes:
        with warehouse.connected(settings, claim.import_id) as connection:
            write_reports(connection, ended.claim, outcomes, ended.path)
            _put_away(connection, path, ended)
    else:
        write_reports(None, ended.claim, [], ended.path)
        if claim.is_file:
            move_over(path, ended.path)
        else:
            ended.path.unlink()
    if ended.claim.is_held:
        drop_claims.leave(ended.claim, settings)
    else:
        drop_claims.forget(claim, settings)
    return ended


def _put_away(connection: psycopg.Connection, path: Path, ended: Ended) -> None:
    """Move an imported file to where its report is; what is kept of it holds nobody erased."""
    imported = list_imported(connection, [each.import_id for each in ended.outcomes])
    if not archive(path, ended.path, imported):
        note_not_kept(ended.path)


def _place(claim: Claim, outcomes: list[Outcome], settings: Settings) -> Ended:
    """Choose where a file goes, and note it: after a crash it is to be the same place."""
    status = Ended(claim, outcomes, Path()).status
    top = settings.archive if status == "done" else settings.quarantine
    folder = top / (claim.team_id or NOBODYS)
    if status == "held":
        folder /= HELD
    if not claim.ends_at or Path(claim.ends_at).parent != folder:
        path = reserve(folder, claim.name, BESIDE)
        claim = replace(claim, ends_at=str(path), is_held=False)
        drop_claims.keep(claim, settings)
    return Ended(replace(claim, is_held=status == "held"), outcomes, Path(claim.ends_at))
