"""Imports without a file: a refold, judgements, an unmerge, an undo. What they have in common."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import psycopg

from contracts.board_rules import NO_RULES
from contracts.errors import LeadfoldError
from contracts.policy import Policy
from flows import ledger, warehouse
from flows.apply import analyze_grown, apply
from flows.jobs import Outcome, find_user, make_import_id
from flows.ledger import Origin
from flows.settings import Settings
from flows.staging import list_sources
from flows.trying import Try, tell_stopped, try_until_applied
from flows.work_database import open_database, telling_memory
from transforms.boards import note_rules
from transforms.dedupe import fold_statements, group_records
from transforms.facts import Facts, note_facts
from transforms.plan import Plan, compare_leads, find_repeated
from transforms.plan_changes import list_changes
from transforms.relations import Work, execute
from transforms.resolve import collect_claims, resolve
from transforms.work_tables import open_work


@dataclass(frozen=True)
class Start:
    """How somebody starts an import without a file.

    Attributes:
        import_id: Asked again under the same id, as after a crash, what is done stays so.
        origin: By what.
        run_id: The Prefect flow run; empty: none.
    """

    import_id: str = field(default_factory=make_import_id)
    origin: Origin = "command"
    run_id: str = ""


@dataclass(frozen=True)
class Act:
    """An import without a file.

    Attributes:
        import_id: Its row in the ledger; a dry run has none.
        team_id: Whose people.
        cause: As the ledger says; also what stands in the place of a source.
        name: What it is called where imports name their file.
        is_dry_run: Whether to stop before anything is written.
        start: How it was started.
    """

    import_id: str
    team_id: str
    cause: str
    name: str
    is_dry_run: bool = False
    start: Start = Start("")

    def outcome(self, plan: Plan) -> Outcome:
        """What it did, or would do."""
        return Outcome(
            *(self.import_id, self.team_id, self.cause, self.name),
            "dry_run" if self.is_dry_run else "done",
            plan.counts,
            plan.match,
            plan.effects,
        )


def begin(
    connection: psycopg.Connection, act: Act, started_by: str, undoes_import_id: str | None = None
) -> None:
    """Open its row in the ledger, but for a dry run; ``started_by`` empty: who runs this."""
    if not act.is_dry_run:
        ledger.start_import(
            connection,
            act.import_id,
            team_id=act.team_id,
            source=act.cause,
            source_file=act.cause,
            file_name=act.name,
            started_by=started_by or find_user(),
            cause=act.cause,
            undoes_import_id=undoes_import_id,
            origin=act.start.origin,
            run_id=act.start.run_id,
        )


def get_done(connection: psycopg.Connection, start: Start) -> Outcome | None:
    """What an act did that is asked for again, if it did it."""
    entry = ledger.get_import(connection, start.import_id)
    return Outcome.of_entry(entry) if entry and entry.status == "done" else None


def carry_out(act: Act, settings: Settings, once: Callable[[Work, Try], Outcome]) -> Outcome:
    """Do it in a work database of its own, again where others were faster; tell why it failed.

    Args:
        act: What to do; its workspace is held.
        settings: Where the database is.
        once: One try, under the team's lock. It is not called where an earlier one, whose answer
            was lost, has gone through.
    """
    folder = settings.work / act.import_id

    def attempt_once(work: Work, attempt: Try) -> Outcome:
        if not act.is_dry_run:
            entry = ledger.find_import(attempt.connection, act.import_id)
            if entry.status == "done":
                return Outcome.of_entry(entry)
        with warehouse.team_locked(attempt.connection, act.team_id, settings.lock_wait_seconds):
            outcome = once(work, attempt)
        if not act.is_dry_run:
            analyze_grown(attempt.connection, act.team_id, outcome.effects)
        return outcome

    try:
        with (
            telling_memory(act.name, settings),
            closing(open_database(folder, settings)) as work,
        ):
            outcome = try_until_applied(
                settings, act.import_id, lambda attempt: attempt_once(work, attempt)
            )
            return replace(outcome, changes=list_changes(work)) if act.is_dry_run else outcome
    except LeadfoldError as error:
        if not act.is_dry_run:
            tell_stopped(settings, act.import_id, "failed", str(error))
        return Outcome(
            *(act.import_id, act.team_id, act.cause, act.name, "failed"), reason=str(error)
        )


def write(act: Act, plan: Plan, attempt: Try) -> Outcome:
    """Apply the plan, unless it is a dry run."""
    if not act.is_dry_run:
        apply(attempt.connection, act.team_id, act.import_id, plan, attempt.conflicts)
    return act.outcome(plan)


def open_without_rows(work: Work, import_id: str, source: str, policy: Policy) -> None:
    """Make the work database of an import whose file has no rows."""
    open_work(work, list_sources())
    note_rules(work, NO_RULES)
    group_records(work)
    note_facts(work, Facts(import_id, source, source, source), policy)
    execute(work, "create or replace table changed_records as from records")
    collect_claims(work, policy)


def resolve_stored(work: Work, policy: Policy) -> None:
    """Resolve what was fetched, as an import does: everybody stays who he is."""
    fold_statements(work)
    resolve(work, policy)
    compare_leads(work)
    find_repeated(work)
