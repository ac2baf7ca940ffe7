"""What the ledger notes of an import's file: its content, as what it is read, how it is written."""

from collections.abc import Mapping

import psycopg
from psycopg.types.json import Jsonb


def note_landed(
    connection: psycopg.Connection,
    import_id: str,
    *,
    file_name: str,
    sha256: str,
    size_bytes: int,
    form: str,
) -> None:
    """Write down what an import has landed, under the name that it has inside an archive."""
    connection.execute(
        "UPDATE imports SET file_name = %s, file_hash = %s, file_bytes = %s, file_form = %s"
        " WHERE import_id = %s",
        [file_name, sha256, size_bytes, form, import_id],
    )


def note_file(
    connection: psycopg.Connection,
    import_id: str,
    *,
    source: str,
    source_file: str,
    rules: str,
    corrects: str = "",
) -> None:
    """Write down as what an import reads the file that it has landed.

    The cause is ``rules`` where the file was imported before, and its logical file was last read by
    other rules: what then changes, they change. It is ``correction`` where the import corrects
    another: that says nothing of the file's other rows, so the rules stay those of the file.
    """
    connection.execute(
        "WITH known AS (SELECT past.file_hash = own.file_hash AS is_same,"
        " past.commit_no, past.rules FROM imports AS own JOIN imports AS past USING (team_id)"
        " WHERE own.import_id = %(id)s AND past.source_file = %(file)s"
        " AND past.status = 'done' AND past.undone_by_import_id IS NULL),"
        " last AS (SELECT rules FROM known ORDER BY commit_no DESC LIMIT 1)"
        " UPDATE imports SET source = %(source)s, source_file = %(file)s,"
        " corrects_import_id = %(corrects)s, rules = CASE WHEN %(corrects)s::text IS NULL"
        " THEN %(rules)s ELSE coalesce((SELECT rules FROM last), %(rules)s) END,"
        " cause = CASE WHEN %(corrects)s::text IS NOT NULL THEN 'correction'"
        " WHEN cause = 'file' AND EXISTS (SELECT FROM known WHERE is_same)"
        " AND (SELECT rules FROM last) IS DISTINCT FROM %(rules)s THEN 'rules' ELSE cause END"
        " WHERE import_id = %(id)s",
        {
            "source": source,
            "file": source_file,
            "rules": rules,
            "corrects": corrects or None,
            "id": import_id,
        },
    )


def note_layout(
    connection: psycopg.Connection, import_id: str, layout: Mapping[str, object]
) -> None:
    """Write down how the file of an import is written."""
    connection.execute(
        "UPDATE imports SET layout = %s WHERE import_id = %s", [Jsonb(dict(layout)), import_id]
    )
