"""Who changed what of a persona, when, and by which import: in the order of commits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg

from contracts.guards import GUARDS, REASONS, SHARED_VALUE
from contracts.people import GOLDEN
from flows.events import BY_HAND, Event, FieldChange, Record
from flows.explaining import conversation_url, list_merged
from flows.finding import Found
from flows.history_rows import Imported, Rows, fetch_rows
from flows.settings import Settings
from flows.stories import shown


@dataclass(frozen=True)
class History:
    """All that happened to a persona, and to those who were merged into it; the oldest first."""

    found: Found
    merged_ids: tuple[str, ...]
    events: tuple[Event, ...] = field(default=())


def tell_history(connection: psycopg.Connection, found: Found, settings: Settings) -> History:
    """The history of a persona, as the ledger and the versions that imports keep tell it.

    Args:
        connection: In a transaction as ``explaining.as_of_now`` opens it.
        found: Who.
        settings: Where chats are read.
    """
    team_id = found.team.team_id
    merged = list_merged(connection, team_id, found.persona_id)
    rows = fetch_rows(connection, team_id, [found.persona_id, *merged])
    events = [
        *_creations(rows),
        *_versions(rows),
        *_moves(rows),
        *_edits(rows),
        *_candidates(rows),
    ]
    events = [*_with_records(events, rows, settings, found.persona_id)]
    events += _undone(events, rows, found.persona_id)
    return History(found, tuple(merged), tuple(_in_order(events, rows)))


def _creations(rows: Rows) -> Iterator[Event]:
    for persona in rows.personas:
        persona_id = persona["persona_id"]
        versions = [each for each in rows.versions if each["persona_id"] == persona_id]
        first_id = versions[0]["previous_import_id"] if versions else persona["import_id"]
        first = dict[str, str | None]()
        for version in reversed(versions):
            first |= {k: v.get("before") for k, v in _fields(version["changes"])}
        edited = persona["edited_fields"] or {}
        first = {
            name: first.get(name) if name in first else shown(persona[name])
            for name in GOLDEN
            if name in first or name not in edited
        }
        changes = tuple(FieldChange(k, None, v) for k, v in first.items() if v)
        if first_id in rows.imports:
            yield _of_import(rows, first_id, "created", persona_id, "first known", changes)
        else:
            yield Event(
                "created",
                persona["created_at"],
                persona_id,
                first_id or BY_HAND,
                "put in by hand" if not first_id else "first known",
                changes=changes,
            )


def _versions(rows: Rows) -> Iterator[Event]:
    for version in rows.versions:
        changes = tuple(
            FieldChange(
                name,
                said.get("before"),
                said.get("after"),
                said.get("rule"),
                said.get("source"),
                said.get("source_record_id"),
            )
            for name, said in _fields(version["changes"])
        )
        says = _version_words(version["change"], version["changes"])
        yield _of_import(
            rows, version["import_id"], version["change"], version["persona_id"], says, changes
        )


def _version_words(change: str, changes: Mapping[str, Any]) -> str:
    into = (changes.get("merged_into") or {}).get("after")
    count = len(changes.get("leads") or ())
    return {
        "merge": f"merged into {into}" if into else f"took over {count} of another's records",
        "split": "was set apart from another again",
        "end": "its last record ended",
        "revive": "a source has it again",
        "remove": "no record is left of it",
        "restore": "is there again",
    }.get(change, "changed")


def _moves(rows: Rows) -> Iterator[Event]:
    """Moves between people who are still two: those of a merge are told by the merge."""
    counts: dict[tuple[str, str, str], int] = {}
    for each in rows.moves:
        key = (each["import_id"], each["from_persona_id"], each["to_persona_id"])
        counts[key] = counts.get(key, 0) + 1
    ids = {persona["persona_id"] for persona in rows.personas}
    for (import_id, left, came), count in counts.items():
        if left in ids and came in ids:
            continue
        noun = "record" if count == 1 else "records"
        if left in ids:
            says, who = f"{count} {noun} went to {came}", left
        else:
            says, who = f"{count} {noun} came from {left}", came
        yield _of_import(rows, import_id, "moved", who, says)


def _edits(rows: Rows) -> Iterator[Event]:
    seen = set()
    for row in (*rows.personas, *rows.leads):
        for name, time in (row["edited_fields"] or {}).items():
            is_lead = "lead_status" in row
            if (name, time) in seen:
                continue
            seen.add((name, time))
            said = f" of the record {row['source_record_id']} of {row['source']}" if is_lead else ""
            yield Event(
                "edited",
                datetime.fromisoformat(time),
                row["persona_id"],
                BY_HAND,
                f"edited by hand{said}",
                changes=(FieldChange(name, None, shown(row[name])),),
            )


def _candidates(rows: Rows) -> Iterator[Event]:
    for pair in rows.candidates:
        if pair["guard"] == SHARED_VALUE:
            people = (pair["evidence"] or {}).get("people", "several")
            says = f"{pair['kind']} {pair['value']}: {people} {REASONS[SHARED_VALUE]}"
            about = rows.personas[0]["persona_id"]
        else:
            ids = {each["persona_id"] for each in rows.personas}
            is_left = pair["left_id"] in ids
            about = pair["left_id"] if is_left else pair["right_id"]
            other = pair["right_id"] if is_left else pair["left_id"]
            link = f"they share the {pair['kind']} {pair['value']}"
            says = f"may be one with {other}: {link}, but {GUARDS.get(pair['guard'], '')}"
        says = says.rstrip(".")
        yield _of_import(rows, pair["import_id"], "candidate", about, says, at=pair["created_at"])
        if pair["judgement"]:
            words = "the same" if pair["judgement"] == "same" else "not the same"
            others = f"{pair['left_id']} and {pair['right_id']}"
            yield Event(
                "judged",
                pair["judged_at"],
                about,
                pair["judged_by"] or "unknown",
                f"judged that {others} are {words}",
            )


def _with_records(
    events: Iterable[Event], rows: Rows, settings: Settings, persona_id: str
) -> Iterator[Event]:
    """The same events, each import's with the records that it stated."""
    stated: dict[str, list[Record]] = {}
    for row in rows.statements:
        url = conversation_url(row["conversation_id"], settings)
        record = Record(
            row["lead_id"],
            row["source"],
            row["source_record_id"],
            row["line_no"],
            row["conversation_id"],
            url,
        )
        stated.setdefault(row["import_id"], []).append(record)
    for event in events:
        can_tell = event.what not in ("candidate", "moved") and event.import_id
        records = stated.pop(event.import_id, []) if can_tell and event.import_id else []
        yield replace(event, records=tuple(records))
    for import_id, records in stated.items():
        event = _of_import(rows, import_id, "stated", persona_id, "said nothing new of the person")
        yield replace(event, records=tuple(records))


def _undone(events: Iterable[Event], rows: Rows, persona_id: str) -> list[Event]:
    """Undos of imports that concerned the person, of whom no version of the person tells."""
    known = {event.import_id for event in events}
    return [
        _of_import(rows, each.import_id, "undone", persona_id, "changed nothing of the person")
        for each in rows.imports.values()
        if each.undoes_import_id in known and each.import_id not in known
    ]


def _of_import(
    rows: Rows,
    import_id: str,
    what: str,
    persona_id: str,
    says: str,
    changes: tuple[FieldChange, ...] = (),
    at: datetime | None = None,
) -> Event:
    entry = rows.imports.get(import_id) or Imported(import_id)
    return Event(
        what,
        entry.finished_at or at,
        persona_id,
        entry.started_by or "unknown",
        says,
        entry.commit_no,
        import_id,
        entry.file_name,
        entry.cause,
        entry.undone_by_import_id,
        changes,
    )


def _fields(changes: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What changed, without the ids of records that moved; in the order of the golden record."""
    order = {name: place for place, name in enumerate(GOLDEN)}
    for name in sorted(changes, key=lambda name: (order.get(name, len(order)), name)):
        if isinstance(changes[name], dict):
            yield name, changes[name]


def _in_order(events: Iterable[Event], rows: Rows) -> list[Event]:
    """By commit; what has none (an edit, a judgement) after the last import that was done then."""
    done = [(each.finished_at, each.commit_no) for each in rows.imports.values()]
    order = ["created", "update"]

    def place(event: Event) -> tuple[int, bool, float, int]:
        at = event.at.timestamp() if event.at else 0
        number = event.commit_no
        is_between = number is None
        if number is None:
            before = [no for time, no in done if time and no and event.at and time <= event.at]
            number = max(before, default=0)
        what = order.index(event.what) if event.what in order else len(order)
        return number, is_between, at, what

    return sorted(events, key=place)
