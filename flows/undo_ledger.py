"""Which import an undo takes back, and what the ledger says of it afterwards."""

import psycopg
from psycopg.types.json import Jsonb

from contracts.errors import WrongCallError
from flows.ledger import Import, find_import


def find_undo_base(connection: psycopg.Connection, entry: Import) -> tuple[Import, Import]:
    """What an undo is about in the end, and which undo of that, or of an undo of it, came last.

    Of an import that is no undo, both are the import itself while nobody undid it.
    """
    base = entry
    while base.undoes_import_id:
        base = find_import(connection, base.undoes_import_id)
    last = connection.execute(
        "WITH RECURSIVE about AS (SELECT import_id, commit_no FROM imports WHERE import_id = %s"
        " UNION SELECT i.import_id, i.commit_no FROM about AS a"
        " JOIN imports AS i ON i.undoes_import_id = a.import_id WHERE i.status = 'done')"
        " SELECT import_id FROM about ORDER BY commit_no DESC LIMIT 1",
        [base.import_id],
    ).fetchone()
    return base, find_import(connection, last[0]) if last else base


def find_last(connection: psycopg.Connection, team_id: str) -> str:
    """The newest import of a team that can be undone; an undo is none of them.

    Raises:
        WrongCallError: There is none.
    """
    last = connection.execute(
        "SELECT import_id FROM imports WHERE team_id = %s AND status = 'done' AND is_undoable"
        " AND undone_by_import_id IS NULL AND cause NOT IN ('undo', 'erase')"
        " ORDER BY commit_no DESC LIMIT 1",
        [team_id],
    ).fetchone()
    if last is None:
        raise WrongCallError(f"Team {team_id} has no import that can be undone.")
    return str(last[0])


def note_undone(
    connection: psycopg.Connection,
    import_id: str,
    *,
    entry: Import,
    base: Import,
    kept: list[dict[str, str]],
) -> None:
    """Write down that an import is undone, in the transaction that undoes it.

    Args:
        connection: In that transaction.
        import_id: The undo.
        entry: What it undoes.
        base: Whose statements count no more, or again.
        kept: What could not be taken back.
    """
    was_undone = base.undone_by_import_id is not None
    connection.execute(
        "UPDATE imports SET undone_by_import_id = %s WHERE import_id = %s",
        [None if was_undone else import_id, base.import_id],
    )
    if entry.import_id != base.import_id:
        connection.execute(
            "UPDATE imports SET undone_by_import_id = %s WHERE import_id = %s",
            [import_id, entry.import_id],
        )
    connection.execute(
        "UPDATE imports SET kept = %s WHERE import_id = %s", [Jsonb(kept), import_id]
    )
