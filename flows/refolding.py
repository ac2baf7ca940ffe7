"""A refold: golden records and claims computed anew, after the policy of a team has changed."""

from contracts.policy import Policy
from contracts.registry import load_policy
from flows import stored, warehouse
from flows.acts import Act, begin, carry_out, open_without_rows, resolve_stored, write
from flows.jobs import Outcome, make_import_id
from flows.keyed import score_anew
from flows.settings import Settings
from flows.teams import find_team, note_policy, set_policy
from flows.trying import Try
from flows.workspace import hold_workspace
from transforms.holding import hold_claims, pair_candidates, pair_evicted, say_stored_claims
from transforms.plan import Plan, make_plan
from transforms.relations import Work
from transforms.survive import survive

CAUSE = "refold"


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
            policy = load_policy(policy_name or team.policy)
            act = Act(import_id, team.team_id, CAUSE, f"policy {policy.name}", is_dry_run)
            begin(connection, act, started_by)
        return carry_out(
            act, settings, lambda work, attempt: _refold_once(act, policy, work, attempt)
        )


def _refold_once(act: Act, policy: Policy, work: Work, attempt: Try) -> Outcome:
    plan = _plan(act, policy, work, attempt)
    if not act.is_dry_run:
        note_policy(attempt.connection, act.import_id, act.team_id)
        set_policy(attempt.connection, act.team_id, policy)
    return write(act, plan, attempt)


def _plan(act: Act, policy: Policy, work: Work, attempt: Try) -> Plan:
    """The story of an import whose file has no rows, about everybody."""
    open_without_rows(work, act.import_id, CAUSE, policy)
    stored.fetch_everybody(attempt.connection, work, act.team_id)
    resolve_stored(work, policy)
    say_stored_claims(work, policy)
    hold_claims(work)
    pair_candidates(work)
    pair_evicted(work)
    survive(work, of_all=True)
    return score_anew(act, policy, work, attempt, make_plan(work, act.import_id))
