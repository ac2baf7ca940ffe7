"""Claims in Postgres: who may hold one, which no index says of one persona alone.

``identities_exclusive_unique_idx`` has one row of a claim that somebody holds alone, and one for
each persona who shares it. That one persona does both is kept out by who writes: plans, here, and
edits by hand, by the triggers ``leadfold_follow_claims`` and ``leadfold_follow_holder``.
"""

from collections.abc import Iterable

import polars as pl
import psycopg
from psycopg import sql

from contracts.errors import StalePlanError
from flows.copying import copy_in
from transforms.planned_rows import Action


def held_as(action: Action) -> sql.Composed:
    """The condition that a claim is held as it was when it was read, alone or shared.

    The index has the row at once by it, and does not go through all who share the claim.
    """
    was = sql.SQL("delta.is_exclusive" if action == "delete" else "NOT delta.is_exclusive")
    return sql.SQL(
        "(CASE WHEN stored.is_exclusive THEN '' ELSE stored.persona_id END)"
        " = (CASE WHEN {} THEN '' ELSE delta.persona_id END)"
    ).format(was)


def touch_holders(
    connection: psycopg.Connection, team_id: str, holders: Iterable[pl.DataFrame]
) -> None:
    """Write down with people what they hold, where nothing else of them changes.

    An edit by hand gives and takes claims too. So it is either seen here, or it waits for the
    import and sees what that has done; in REPEATABLE READ it is refused, which it would not be by a
    lock alone.

    Args:
        connection: In the transaction of the import.
        team_id: Whose data.
        holders: ``persona_id``, ``version``, ``claims`` and ``shared_claims`` of those who stay as
            they are otherwise.

    Raises:
        StalePlanError: Somebody's row is not as it was when the plan was made.
    """
    frames = [frame for frame in holders if len(frame)]
    if not frames:
        return
    connection.execute(
        "CREATE TEMP TABLE delta_claim_holders ON COMMIT DROP AS"
        " SELECT persona_id, 0::bigint AS version, claims, shared_claims FROM personas WITH NO DATA"
    )
    planned = copy_in(connection, "delta_claim_holders", frames)
    connection.execute("ANALYZE delta_claim_holders")
    done = connection.execute(
        "WITH locked AS (SELECT delta.* FROM personas AS stored"
        " JOIN delta_claim_holders AS delta ON stored.team_id = %s"
        " AND stored.persona_id = delta.persona_id AND stored.xmin::text::bigint = delta.version"
        " ORDER BY stored.persona_id FOR UPDATE OF stored)"
        " UPDATE personas AS stored"
        " SET claims = locked.claims, shared_claims = locked.shared_claims FROM locked"
        " WHERE stored.team_id = %s AND stored.persona_id = locked.persona_id",
        [team_id, team_id],
    ).rowcount
    if done != planned:
        raise StalePlanError(
            f"identities: {planned} people's claims change, {done} were as they had been read.",
            "row_version",
        )
