"""What people see of a persona's history: on a terminal, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from flows.events import Event, FieldChange, Record
from flows.explain_report import moment, plain_json
from flows.histories import History
from flows.report import CAUSES
from flows.terminal import text_of

_LONGEST_VALUE = 60


def to_json(told: History) -> dict[str, Any]:
    """A history as scripts read it. The keys are stable; times are ISO 8601 in UTC.

    - ``team_id``, ``persona_id``, ``asked_id`` (that was merged into it, or null), ``label``,
      ``merged_ids``
    - ``events``, the oldest first: ``what``, ``at``, ``persona_id``, ``by``, ``says``,
      ``commit_no``, ``import_id``, ``file_name``, ``cause``, ``undone_by``, ``changes``
      (``field``, ``before``, ``after``, ``rule``, ``source``, ``source_record_id``) and
      ``records`` (``lead_id``, ``source``, ``source_record_id``, ``line_no``,
      ``conversation_id``, ``conversation_url``)

    What ``what`` may be stands at ``flows.events.Event``.
    """
    return {
        "team_id": told.found.team.team_id,
        "persona_id": told.found.persona_id,
        "asked_id": told.found.asked_id,
        "label": told.found.label,
        "merged_ids": list(told.merged_ids),
        "events": [plain_json(asdict(event)) for event in told.events],
    }


def history_lines(told: History) -> Iterator[RenderableType]:
    """Each event with its changes; an import is headed by its number, file and starter."""
    yield text_of(told.found.label, style="bold")
    yield text_of(f"{told.found.persona_id}, of team {told.found.team.name}")
    if told.merged_ids:
        yield text_of(f"Merged into it: {', '.join(told.merged_ids)}")
    head = ""
    for event in told.events:
        if _head(event) != head:
            head = _head(event)
            yield Text()
            yield text_of(head, style="bold")
            if event.import_id:
                undone = f", undone by {event.undone_by}" if event.undone_by else ""
                yield _indented(f"{event.import_id}{undone}", 2)
        whose = "" if event.persona_id == told.found.persona_id else f"{event.persona_id}: "
        yield _indented(f"{whose}{event.says}", 2)
        width = max((len(change.field) for change in event.changes), default=0)
        for change in event.changes:
            yield _indented(_change(change, width, is_new=event.what == "created"), 4)
        for record in event.records:
            yield _indented(_record(record), 4)


def _head(event: Event) -> str:
    number = f"#{event.commit_no}  " if event.commit_no else ""
    if not event.import_id:
        return f"{moment(event.at)}  {event.by}"
    cause = ""
    if event.cause not in (None, "file"):
        cause = f", {event.cause}: {CAUSES[event.cause]}" if event.cause in CAUSES else ""
        cause = cause or f" ({event.cause})"
    return f"{number}{moment(event.at)}  {event.file_name or '?'}{cause}, started by {event.by}"


def _change(change: FieldChange, width: int, *, is_new: bool) -> str:
    why = f" ({change.rule}, {change.source})" if change.rule and change.source else ""
    if is_new or (change.before is None and not change.rule):
        return f"{change.field:{width}}  {_value(change.after)}{why}"
    return f"{change.field:{width}}  {_value(change.before)} -> {_value(change.after)}{why}"


def _record(record: Record) -> str:
    line = f", line {record.line_no}" if record.line_no else ""
    chat = record.conversation_url or record.conversation_id
    said = f", chat: {chat}" if chat else ""
    return f"record {record.source_record_id} of {record.source}{line}{said}"


def _value(value: str | None) -> str:
    if value is None:
        return "empty"
    flat = " ".join(value.split())
    return flat if len(flat) <= _LONGEST_VALUE else flat[: _LONGEST_VALUE - 3] + "..."


def _indented(text: str, by: int) -> RenderableType:
    return Padding(text_of(text), (0, 0, 0, by))
