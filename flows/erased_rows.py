"""People who were erased do not come back: their rows are rejected while a file is staged."""

from collections.abc import Iterable
from pathlib import Path

import psycopg

from contracts.registry import load_tables
from flows.erasure_keys import ErasureKey, check_key, load_key
from flows.teams import Team
from transforms.erased import (
    empty_cells,
    list_cells,
    list_raw_texts,
    list_row_claims,
    reject_erased,
)
from transforms.relations import Work, query
from transforms.traces import guess_phones, key_addresses, list_addresses, list_numbers

_CHUNK_ROWS = 100_000


def keep_out_erased(
    work: Work,
    connection: psycopg.Connection,
    team: Team,
    claim_space: str,
    source_file: str,
    home: Path,
) -> None:
    """Reject the staged rows that are about somebody who was erased from the team.

    Where nobody was erased, that is all that is asked.

    Args:
        work: The work database, staged.
        connection: Where to ask.
        team: Whose people.
        claim_space: The kind of claim that the source's CRM ids are.
        source_file: The logical file.
        home: Where the key is.

    Raises:
        ErasureKeyError: Somebody was erased under another key than the one at hand.
    """
    erased = connection.execute(
        "SELECT kind, hash, key_id FROM erased WHERE team_id = %s", [team.team_id]
    ).fetchall()
    if not erased:
        return
    key = check_key(load_key(home), (key_id for *_, key_id in erased), team.name)
    known = {(kind, bytes(digest)) for kind, digest, _ in erased}
    kinds = {kind for kind, _ in known}
    found = [
        (kind, value)
        for frame in list_row_claims(work, claim_space, source_file, _CHUNK_ROWS)
        for kind, value in frame.iter_rows()
        if kind in kinds and (kind, key.hash_claim(kind, value)) in known
    ]
    reject_erased(work, found, _find_lines(work, key, known, team.region))
    _empty_cells(work, key, known)


def _empty_cells(work: Work, key: ErasureKey, known: set[tuple[str, bytes]]) -> None:
    """Phones and emails of erased people on rows about something else, such as a business."""
    for table in load_tables().values():
        for name, column in table.columns.items():
            if column.kind not in ("phone", "email"):
                continue
            values = list_cells(work, table.name, name)
            keys = key_addresses(values) if column.kind == "email" else {}
            gone = [
                value
                for value in values
                if (column.kind, key.hash_claim(column.kind, keys.get(value, value))) in known
            ]
            if gone:
                empty_cells(work, table.name, name, gone)


def list_erased_lines(work: Work) -> set[int]:
    """The lines of the staged file that speak of somebody who was erased."""
    return set(query(work, "select line_no from erased_lines")["line_no"])


def _find_lines(
    work: Work, key: ErasureKey, known: set[tuple[str, bytes]], region: str
) -> Iterable[int]:
    """Rejects and damaged cells whose text holds a phone or email that was erased."""
    texts = [
        (line_no, raw.decode(encoding or "utf-8", "replace"))
        for line_no, raw, encoding in list_raw_texts(work).iter_rows()
    ]
    keys = key_addresses(address for _, text in texts for address in list_addresses(text))
    for line_no, text in texts:
        claims = {("email", keys.get(address, address)) for address in list_addresses(text)}
        claims |= {
            ("phone", phone)
            for digits in list_numbers(text)
            for phone in guess_phones(digits, region)
        }
        if any((kind, key.hash_claim(kind, value)) in known for kind, value in claims):
            yield line_no
