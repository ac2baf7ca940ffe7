"""What Prefect is told of an import: events that automations can be triggered by."""

import logging
import uuid
from typing import Any

import psycopg
from prefect.events import emit_event

from contracts.errors import LeadfoldError
from flows import ledger, report, warehouse
from flows.jobs import Outcome
from flows.ledger import Import
from flows.settings import Settings
from transforms.plan import Counts
from transforms.spikes import REMEMBERED, find_spikes

FINISHED = "leadfold.import.finished"
SPIKED = "leadfold.duplicates.spiked"
ASSIGNED = "leadfold.lead.assigned"

# An event that is told again, as after a crash, is the same one.
_NAMESPACE = uuid.UUID("6c5d7f4e-0a55-4d0e-9d2b-6b1f3f0c8a11")

_logger = logging.getLogger("leadfold")


def tell_finished(outcome: Outcome, settings: Settings) -> None:
    """Tell Prefect that an import is done, held, declined or failed, and if its rows are unusual.

    A dry run is told to nobody. Telling again tells the same event. What cannot be told does not
    harm the import: it is logged.
    """
    if outcome.status == "dry_run":
        return
    try:
        with warehouse.connected(settings, outcome.import_id) as connection:
            entry = ledger.get_import(connection, outcome.import_id)
            if entry is None:
                return
            before = _list_before(connection, entry)
    except (LeadfoldError, psycopg.Error) as error:
        told = warehouse.first_line(error)
        _logger.warning("%s: Prefect was told nothing of it: %s", outcome.import_id, told)
        return
    _emit(FINISHED, entry, _payload(entry, settings))
    for spike in find_spikes(entry.counts, before):
        share = {
            "what": spike.what,
            "spiked_rows": spike.rows,
            "rate": round(spike.rate, 4),
            "usual_rate": round(spike.usual_rate, 4),
            "compared_with": len(before),
        }
        _emit(SPIKED, entry, {**_payload(entry, settings), **share})
    for board, leads in sorted(entry.assigned.items()):
        placed = {"what": board, "board": board, "leads": leads}
        _emit(ASSIGNED, entry, {**_payload(entry, settings), **placed})


def _list_before(connection: psycopg.Connection, entry: Import) -> list[Counts]:
    """What became of the rows of the feed's last imports before this one, the newest first.

    A feed that feeds.yaml does not name is all that a team gets of one source. Files that came to
    be corrected, or to be read by other rules, are not what the feed usually sends.
    """
    if entry.status != "done" or entry.cause != "file":
        return []
    names = ", ".join(f"rows_{name}" for name in Counts._fields)
    found = connection.execute(
        f"SELECT {names} FROM imports"  # noqa: S608
        " WHERE team_id = %s AND source = %s AND feed_id IS NOT DISTINCT FROM %s"
        " AND cause = 'file' AND status = 'done' AND commit_no < %s"
        " AND undone_by_import_id IS NULL AND rows_landed > 0"
        " ORDER BY commit_no DESC LIMIT %s",
        [entry.team_id, entry.source, entry.feed_id, entry.commit_no, REMEMBERED],
    )
    return [Counts(*row) for row in found]


def _payload(entry: Import, settings: Settings) -> dict[str, Any]:
    """What an event says of an import: no more of people than their number."""
    seconds = None
    if entry.finished_at:
        seconds = round((entry.finished_at - entry.started_at).total_seconds(), 3)
    return {
        "import_id": entry.import_id,
        "team": entry.team_id,
        "source": entry.source,
        "feed": entry.feed_id or "",
        "file_name": entry.file_name,
        "origin": entry.origin,
        "cause": entry.cause,
        "status": entry.status,
        "says": report.public_sentence(Outcome.of_entry(entry), settings),
        "held_because": entry.holds[-1]["code"] if entry.status == "held" and entry.holds else "",
        "rows": entry.counts._asdict(),
        "found_by": entry.match,
        "personas": entry.effects.get("personas", {}),
        "seconds": seconds,
    }


def _emit(name: str, entry: Import, payload: dict[str, Any]) -> None:
    key = f"{name} {entry.import_id} {entry.status} {entry.finished_at} {payload.get('what', '')}"
    emit_event(
        name,
        resource={
            "prefect.resource.id": f"leadfold.import.{entry.import_id}",
            "prefect.resource.name": entry.file_name,
            # A trigger matches labels, not the payload.
            "leadfold.team": entry.team_id,
            "leadfold.source": entry.source,
            "leadfold.status": entry.status,
            "leadfold.origin": entry.origin,
        },
        related=[
            {
                "prefect.resource.id": f"leadfold.{role}.{resource_id}",
                "prefect.resource.role": role,
                "prefect.resource.name": resource_id,
            }
            for role, resource_id in (
                ("team", entry.team_id),
                ("source", entry.source),
                ("feed", entry.feed_id),
            )
            if resource_id
        ],
        payload=payload,
        id=uuid.uuid5(_NAMESPACE, key),
    )
