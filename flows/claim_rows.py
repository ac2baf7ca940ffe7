"""Claims in Postgres: who may hold one, which no index says of one persona alone.

``identities_exclusive_unique_idx`` has one row of a claim that somebody holds alone, and one for
each persona who shares it. That one persona does both is kept out by who writes: plans, here, and
edits by hand, by the triggers ``leadfold_follow_claims`` and ``leadfold_hold_once``.
"""

import psycopg
from psycopg import sql

from contracts import tables
from contracts.errors import StalePlanError
from transforms.plan import Action


def held_as(action: Action) -> sql.Composed:
    """The condition that a claim is held as it was when it was read, alone or shared.

    The index has the row at once by it, and does not go through all who share the claim.
    """
    was = sql.SQL("delta.is_exclusive" if action == "delete" else "NOT delta.is_exclusive")
    return sql.SQL(
        "(CASE WHEN stored.is_exclusive THEN '' ELSE stored.persona_id END)"
        " = (CASE WHEN {} THEN '' ELSE delta.persona_id END)"
    ).format(was)


def expect_not_held(
    connection: psycopg.Connection,
    team_id: str,
    delta: sql.Identifier,
    same_row: sql.Composable,
) -> None:
    """See to it that nobody gets a claim alone who shares it by now, or the other way round.

    Only an edit by hand since the plan was made can have given it, and none does from here on: the
    person's row is locked.

    Args:
        connection: In the transaction of the import.
        team_id: Whose data.
        delta: The rows of identities to insert, of people who stay as they are otherwise.
        same_row: The condition by which a row of it finds the stored one.

    Raises:
        StalePlanError: Somebody holds such a claim by now.
    """
    connection.execute(
        sql.SQL(
            "SELECT FROM personas WHERE team_id = {} AND persona_id IN (SELECT persona_id FROM {})"
            " ORDER BY persona_id FOR UPDATE"
        ).format(sql.Literal(team_id), delta)
    )
    (held,) = connection.execute(
        sql.SQL("SELECT count(*) FROM identities AS stored JOIN {} AS delta ON {}").format(
            delta, same_row
        )
    ).fetchone() or (0,)
    if held:
        raise StalePlanError(
            f"identities: {held} claims of those to insert are held by now.",
            tables.IDENTITIES.refused_by,
        )
