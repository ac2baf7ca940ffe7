"""Judgements: what people decide about candidates, applied as an import of its own."""

from collections.abc import Sequence

from flows import warehouse
from flows.acts import Act, Start, begin, carry_out, open_without_rows, write
from flows.jobs import Outcome
from flows.judgement_checks import Judging, check_judging
from flows.keyed import score_anew
from flows.settings import Settings
from flows.stored_personas import fetch_personas
from flows.teams import policy_of
from flows.trying import Try
from flows.workspace import hold_workspace
from transforms.decide import Decision, decide, plan_decisions
from transforms.dedupe import fold_statements
from transforms.holding import hold_claims, pair_candidates, say_claims
from transforms.plan import Plan, compare_leads, find_repeated, make_plan
from transforms.relations import Work
from transforms.resolve import resolve
from transforms.survive import survive

CAUSE = "review"


def run_judging(judging: Judging, settings: Settings, start: Start | None = None) -> Outcome:
    """Carry out judgements, all or none, as an import of its own: cause ``review``.

    Args:
        judging: What is judged.
        settings: Where the database is.
        start: How it is started; None: by a command, now.

    Raises:
        WrongCallError: Something speaks against them (``check_judging``); nothing is written.
        DatabaseUnavailableError: Postgres does not answer.
    """
    start = start or Start()
    act = Act(start.import_id, judging.team.team_id, CAUSE, judging.name, start=start)
    with hold_workspace(settings.work, act.import_id):
        with warehouse.connected(settings, act.import_id) as connection:
            check_judging(connection, judging)
            begin(connection, act, judging.judged_by)
        return carry_out(
            act, settings, lambda work, attempt: _judge_once(act, judging, work, attempt)
        )


def _judge_once(act: Act, judging: Judging, work: Work, attempt: Try) -> Outcome:
    # An import may have merged or told of people since.
    decisions = check_judging(attempt.connection, judging)
    return write(act, _plan(act, judging, decisions, work, attempt), attempt)


def _plan(
    act: Act, judging: Judging, decisions: Sequence[Decision], work: Work, attempt: Try
) -> Plan:
    """The story of an import whose file has no rows, about those who were judged."""
    policy = policy_of(judging.team)
    open_without_rows(work, act.import_id, CAUSE, policy)
    fetch_personas(
        attempt.connection,
        work,
        act.team_id,
        {persona_id for each in decisions for persona_id in each[:4]},
        shared_after=policy.shared_after,
        is_locking=attempt.is_last,
    )
    fold_statements(work)
    resolve(work, policy)
    decide(work, decisions)
    compare_leads(work)
    find_repeated(work)
    say_claims(work)
    hold_claims(work)
    pair_candidates(work)
    plan_decisions(work)
    survive(work)
    return score_anew(act, policy, work, attempt, make_plan(work, act.import_id))
