"""A refold: golden records and claims computed anew, after the policy of a team has changed."""

from contextlib import closing, suppress
from dataclasses import dataclass, replace

import psycopg

from contracts.errors import LeadfoldError
from contracts.policy import Policy
from contracts.registry import load_policy
from flows import ledger, stored, warehouse
from flows.apply import apply
from flows.jobs import Outcome, find_user, make_import_id
from flows.settings import Settings
from flows.staging import list_sources, open_work_file
from flows.teams import Team, find_team, set_policy
from flows.trying import Try, try_until_applied
from flows.workspace import hold_workspace
from transforms.dedupe import fold_statements, group_records
from transforms.facts import Facts, note_facts
from transforms.holding import hold_claims, pair_candidates, pair_evicted, say_stored_claims
from transforms.plan import Plan, compare_leads, make_plan
from transforms.plan_changes import list_changes
from transforms.relations import Work
from transforms.resolve import collect_claims, resolve
from transforms.survive import survive
from transforms.work_tables import open_work

SOURCE = "refold"


@dataclass(frozen=True)
class _Refold:
    import_id: str
    team: Team
    policy: Policy
    is_dry_run: bool

    @property
    def name(self) -> str:
        """What it is called where imports name their file."""
        return f"policy {self.policy.name}"


def run_refold(
    team_name: str,
    settings: Settings,
    policy_name: str = "",
    *,
    is_dry_run: bool = False,
    started_by: str = "",
) -> Outcome:
    """Compute all golden records of a team anew, by its policy as the file says now.

    Who is whom stays as it is; which values are one person's alone, and what survives, follows
    the policy. It is an import with a ledger row of its own, cause ``refold``.

    Args:
        team_name: Name or id of the team.
        settings: Where the database is.
        policy_name: Which policy takes effect; empty: the team's, as its file says now.
        is_dry_run: Whether to tell what would change, and write nothing.
        started_by: Who asks for it; empty: who runs this program.

    Raises:
        WrongCallError: There is no such team or policy.
        DatabaseUnavailableError: Postgres does not answer.
    """
    import_id = make_import_id()
    with hold_workspace(settings.work, import_id):
        with warehouse.connected(settings, import_id) as connection:
            team = find_team(connection, team_name)
            refold = _Refold(import_id, team, load_policy(policy_name or team.policy), is_dry_run)
            if not is_dry_run:
                ledger.start_import(
                    connection,
                    import_id,
                    team_id=team.team_id,
                    source=SOURCE,
                    source_file=SOURCE,
                    file_name=refold.name,
                    started_by=started_by or find_user(),
                    cause="refold",
                )
        try:
            return _carry_out(refold, settings)
        except LeadfoldError as error:
            if not is_dry_run:
                with (
                    suppress(LeadfoldError, psycopg.Error),
                    warehouse.connected(settings, import_id) as connection,
                ):
                    ledger.stop_import(connection, import_id, "failed", str(error))
            return Outcome(
                import_id, team.team_id, SOURCE, refold.name, "failed", reason=str(error)
            )


def _carry_out(refold: _Refold, settings: Settings) -> Outcome:
    work_file = settings.work / refold.import_id / "work.duckdb"
    with closing(open_work_file(work_file, settings.memory_limit)) as work:
        outcome = try_until_applied(
            settings,
            refold.import_id,
            lambda attempt: _refold_once(refold, work, attempt, settings),
        )
        return replace(outcome, changes=list_changes(work)) if refold.is_dry_run else outcome


def _refold_once(refold: _Refold, work: Work, attempt: Try, settings: Settings) -> Outcome:
    connection, team_id = attempt.connection, refold.team.team_id
    if not refold.is_dry_run:
        entry = ledger.find_import(connection, refold.import_id)
        if entry.status == "done":
            return Outcome.of_entry(entry)
    with warehouse.team_locked(connection, team_id, settings.lock_wait_seconds):
        plan = _plan(refold, work, connection)
        if not refold.is_dry_run:
            set_policy(connection, team_id, refold.policy)
            apply(connection, team_id, refold.import_id, plan, attempt.conflicts)
    return Outcome(
        refold.import_id,
        team_id,
        SOURCE,
        refold.name,
        "dry_run" if refold.is_dry_run else "done",
        plan.counts,
        plan.match,
        plan.effects,
    )


def _plan(refold: _Refold, work: Work, connection: psycopg.Connection) -> Plan:
    """The story of an import whose file has no rows, about everybody."""
    open_work(work, list_sources())
    group_records(work)
    note_facts(work, Facts(refold.import_id, SOURCE, SOURCE, SOURCE), refold.policy)
    work.execute("create or replace table changed_records as from records").fetchall()
    collect_claims(work, refold.policy)
    stored.fetch_everybody(connection, work, refold.team.team_id)
    fold_statements(work)
    resolve(work, refold.policy, refold.import_id)
    compare_leads(work)
    say_stored_claims(work, refold.policy)
    hold_claims(work)
    pair_candidates(work)
    pair_evicted(work)
    survive(work, of_all=True)
    return make_plan(work, refold.import_id, SOURCE)
