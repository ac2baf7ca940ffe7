"""An undo: what an import said counts no more, and everybody is as if it had not been."""

from dataclasses import replace

import psycopg

from contracts.board_rules import BoardRules
from contracts.errors import WrongCallError
from contracts.policy import Policy
from contracts.registry import parse_policy
from flows import ledger, warehouse
from flows.acts import (
    Act,
    Start,
    begin,
    carry_out,
    get_done,
    open_without_rows,
    resolve_stored,
    write,
)
from flows.board_rules import fetch_boards, load_board_rules
from flows.importing import sweep_killed
from flows.jobs import Outcome
from flows.keyed_undo import undo_keyed
from flows.ledger import Import
from flows.settings import Settings
from flows.teams import find_team, note_policy, policy_of, restore_policy
from flows.trying import Try
from flows.undo_ledger import find_undo_base, note_undone
from flows.undo_stored import Undoing, fetch_undoing
from flows.workspace import hold_workspace
from transforms.keyed import list_kept_rows
from transforms.plan import Plan, make_undo_plan
from transforms.relations import Work
from transforms.undo import list_kept, restate

CAUSE = "undo"


def run_undo(
    import_id: str,
    settings: Settings,
    *,
    is_dry_run: bool = False,
    withdraws_opt_outs: bool = False,
    started_by: str = "",
    start: Start | None = None,
) -> Outcome:
    """Take back what an import said, and what it changed in who is whom.

    The statements that others made of the same records are folded again, and of everybody whom
    that touches the golden record. What somebody edited by hand stays. It is an import with a
    ledger row of its own, cause ``undo``, and can be undone.

    Args:
        import_id: Which import, or the end of its id.
        settings: Where the database is.
        is_dry_run: Whether to tell what would change, and write nothing.
        withdraws_opt_outs: Whether the opt-outs go that it brought; else they stay.
        started_by: Who asks for it; empty: who runs this program.
        start: How it is started; None: by a command, now.

    Raises:
        WrongCallError: There is no such import, or it cannot be undone.
        DatabaseUnavailableError: Postgres does not answer.
    """
    start = start or Start()
    own_id = start.import_id
    with hold_workspace(settings.work, own_id):
        with warehouse.connected(settings, own_id) as connection:
            sweep_killed(connection, settings)
            if done := get_done(connection, start):
                return done
            entry = ledger.find_import(connection, import_id)
            _find_undoing(connection, entry.import_id, withdraws_opt_outs=withdraws_opt_outs)
            name = f"undo of {entry.file_name}"
            act = Act(own_id, entry.team_id, CAUSE, name, is_dry_run, start)
            begin(connection, act, started_by, entry.import_id)

        def once(work: Work, attempt: Try) -> Outcome:
            undoing = _find_undoing(
                attempt.connection, entry.import_id, withdraws_opt_outs=withdraws_opt_outs
            )
            return _undo_once(act, undoing, work, attempt, settings)

        return carry_out(act, settings, once)


def _undo_once(act: Act, undoing: Undoing, work: Work, attempt: Try, settings: Settings) -> Outcome:
    connection = attempt.connection
    rules = load_board_rules(settings, find_team(connection, act.team_id))
    plan = _plan(act, undoing, work, attempt, rules)
    kept = list_kept(work) + list_kept_rows(work)
    if not act.is_dry_run:
        if before := undoing.entry.policy_before:
            note_policy(connection, act.import_id, act.team_id)
            restore_policy(connection, act.team_id, **before)
        note_undone(connection, act.import_id, entry=undoing.entry, base=undoing.base, kept=kept)
    return replace(write(act, plan, attempt), kept=kept)


def _plan(act: Act, undoing: Undoing, work: Work, attempt: Try, rules: BoardRules) -> Plan:
    """The story of an import whose file has no rows, about those whom the undo touches."""
    policy = _policy_after(attempt.connection, undoing)
    open_without_rows(work, act.import_id, CAUSE, policy)
    fetch_boards(attempt.connection, work, act.team_id, rules)
    fetch_undoing(attempt.connection, work, undoing, policy, is_locking=attempt.is_last)
    resolve_stored(work, policy)
    restate(work, policy)
    plan = make_undo_plan(work)
    return undo_keyed(
        attempt.connection,
        work,
        undoing,
        plan,
        act.import_id,
        policy.score,
        is_locking=attempt.is_last,
    )


def _policy_after(connection: psycopg.Connection, undoing: Undoing) -> Policy:
    """The policy in effect once the undo is done."""
    before = undoing.entry.policy_before
    if before and before["policy_rules"]:
        return parse_policy(before["policy_rules"], "The policy that was in effect before")
    team = find_team(connection, undoing.entry.team_id)
    if before:
        team = replace(team, policy=before["policy"], policy_rules="")
    return policy_of(team)


def _find_undoing(
    connection: psycopg.Connection, import_id: str, *, withdraws_opt_outs: bool
) -> Undoing:
    """What undoing an import is about.

    Raises:
        WrongCallError: It cannot be undone.
    """
    entry = ledger.find_import(connection, import_id)
    if entry.status != "done":
        raise WrongCallError(
            f"{entry.import_id} ({entry.file_name}) is {entry.status}, not done:"
            " there is nothing to undo."
        )
    if entry.undone_by_import_id:
        raise WrongCallError(
            f"{entry.import_id} ({entry.file_name}) is undone already.\n"
            f"To have it again, undo the undo: leadfold undo {entry.undone_by_import_id}"
        )
    if not entry.is_undoable:
        raise WrongCallError(
            f"{entry.import_id} ({entry.file_name}) cannot be undone: what its undo needs is not"
            " kept any more."
        )
    base, last = find_undo_base(connection, entry)
    if base.import_id != entry.import_id != last.import_id:
        raise WrongCallError(
            f"{entry.file_name} was undone or done again since, by {last.import_id}.\n"
            f"Undo that first: leadfold undo {last.import_id}"
        )
    if entry.policy_before:
        _check_last_policy(connection, entry)
    return Undoing(
        entry,
        base,
        is_reviving=base.undone_by_import_id is not None,
        has_policy=entry.policy_before is not None,
        withdraws_opt_outs=withdraws_opt_outs,
    )


def _check_last_policy(connection: psycopg.Connection, entry: Import) -> None:
    """See that the policy in effect is the one that the import has put into effect."""
    later = connection.execute(
        "SELECT i.import_id, first_value(policy_before) OVER (ORDER BY commit_no) ="
        " jsonb_build_object('policy', policy, 'policy_rules', coalesce(policy_rules::text, ''))"
        " FROM imports AS i JOIN teams AS t USING (team_id)"
        " WHERE team_id = %s AND commit_no > %s AND policy_before IS NOT NULL"
        " ORDER BY commit_no DESC LIMIT 1",
        [entry.team_id, entry.commit_no],
    ).fetchone()
    if later and not later[1]:
        raise WrongCallError(
            f"The policy that {entry.import_id} put into effect was replaced since, by {later[0]}."
            f"\nUndo that first: leadfold undo {later[0]}"
        )
