"""By what Postgres knows a record again, before anything of it is read."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql

from flows.copying import copy_out
from flows.wanted import by_key, list_records
from transforms.relations import Work, append, at_once
from transforms.shapes import Schema
from transforms.work_tables import empty, note, recall

_SCHEMA: Schema = {"source_record_id": pl.String, "fingerprint": pl.String}


def change_seq(connection: psycopg.Connection, team_id: str) -> int:
    """The number of commits that changed the team's data."""
    row = connection.execute(
        "SELECT change_seq FROM teams WHERE team_id = %s", [team_id]
    ).fetchone()
    return int(row[0]) if row else 0  # a dry run's new team is not there yet


class Known:
    """The rows that are records of their own in Postgres, as they stand there.

    Args:
        fingerprints: 128 bits each, hex, in any number of pieces. Half of the bits are kept, which
            is 8 bytes a record: of two that begin alike one is passed over in vain, and read after
            all.
    """

    def __init__(self, fingerprints: Iterable[pl.Series] = ()) -> None:
        heads = [_heads(piece.drop_nulls()) for piece in fingerprints]
        self._heads = np.sort(np.concatenate([np.zeros(0, np.uint64), *heads]))

    @property
    def is_nothing(self) -> bool:
        """Whether every row is new."""
        return not len(self._heads)

    def holds(self, row_hashes: pl.Series) -> pl.Series:
        """Whether each row seems to be among them."""
        if self.is_nothing:
            return pl.repeat(value=False, n=len(row_hashes), dtype=pl.Boolean, eager=True)
        wanted = _heads(row_hashes)
        # In their order those next to each other are looked for in the same few pages of memory.
        order = np.argsort(wanted)
        ordered = wanted[order]
        at = np.minimum(np.searchsorted(self._heads, ordered), len(self._heads) - 1)
        found = np.empty(len(wanted), dtype=bool)
        found[order] = self._heads[at] == ordered
        return pl.Series(found)


def _heads(hashes: pl.Series) -> npt.NDArray[np.uint64]:
    return hashes.str.head(16).str.to_integer(base=16, dtype=pl.UInt64).to_numpy()


def fetch_known(
    connection: psycopg.Connection,
    work: Work,
    team_id: str,
    source_file: str,
    rules: str,
    *,
    most_records: int,
) -> Known | None:
    """Fetch the fingerprints of all records of a logical file, before a file of it is read.

    Args:
        connection: Where to ask.
        work: In which ``stored_fingerprints`` is filled.
        team_id: Whose records.
        source_file: The logical file.
        rules: As in ``fetch_fingerprints``.
        most_records: If the team may have more, none is fetched: it would not be worth it.

    Returns:
        None where that is not known. Nothing, so that all rows are taken for new, of a file that
        was never read by these rules; and where that is not known, but most rows of the last file
        were new.
    """
    seq = change_seq(connection, team_id)
    last = _find_last(connection, team_id, source_file)
    if not last or last.rules != rules:
        return Known()
    (records,) = connection.execute(
        # Of the whole team: no index of leads begins with the logical file.
        "SELECT coalesce(sum(rows_inserted), 0) FROM imports WHERE team_id = %s",
        [team_id],
    ).fetchone() or (0,)
    if records > most_records:
        return Known() if last.is_mostly_new else None
    query_all = sql.SQL(
        "SELECT source_record_id, replace(fingerprint::text, '-', '') FROM leads"
        " WHERE team_id = {} AND source_file = {} AND NOT is_missing"
    ).format(team_id, source_file)

    def fetch() -> Iterator[pl.Series]:
        for frame in copy_out(connection, query_all, _SCHEMA):
            append(work, "stored_fingerprints", frame)
            yield frame["fingerprint"]

    with at_once(work):
        known = Known(fetch())
    note(work, "fingerprints_seq", str(seq))
    return known


def fetch_fingerprints(
    connection: psycopg.Connection,
    work: Work,
    team_id: str,
    source_file: str,
    rules: str,
    *,
    seq: int,
) -> bool:
    """Fill ``stored_fingerprints`` for the records of the batch.

    They tell that the same text was read before; where it was read by other ``rules``, that says
    nothing of its values, and none is fetched. Nor of a record that was missing meanwhile. Those
    that were fetched before the file was read stay, if ``change_seq`` is still ``seq``.

    Returns:
        Whether what is stored was read by these rules.
    """
    if recall(work, "fingerprints_seq") == str(seq):
        return True
    empty(work, "stored_fingerprints")
    last = _find_last(connection, team_id, source_file)
    if not last or last.rules != rules:
        return last is None
    with connection.transaction():
        list_records(connection, work, "records", team_id, source_file)
        with by_key(connection):
            for frame in copy_out(
                connection,
                "SELECT l.source_record_id, replace(l.fingerprint::text, '-', '')"
                " FROM wanted_records AS w JOIN leads AS l"
                " USING (team_id, source_record_id, source_file) WHERE NOT l.is_missing",
                _SCHEMA,
            ):
                append(work, "stored_fingerprints", frame)
    return True


class _Last(NamedTuple):
    """The file of a logical file that was imported last."""

    rules: str
    is_mostly_new: bool


def _find_last(connection: psycopg.Connection, team_id: str, source_file: str) -> _Last | None:
    """None if the logical file was never read."""
    last = connection.execute(
        "SELECT coalesce(rules, ''), rows_unchanged * 2 < rows_landed FROM imports"
        " WHERE team_id = %s AND source_file = %s"
        " AND status = 'done' AND undone_by_import_id IS NULL ORDER BY commit_no DESC LIMIT 1",
        [team_id, source_file],
    ).fetchone()
    return _Last(*last) if last else None
