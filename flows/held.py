"""Held imports: what a person decides about one, and how it goes on from the landed file."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import psycopg

from contracts.errors import WrongCallError
from contracts.feeds import AUTO, Feed
from contracts.registry import load_source
from flows import ledger, teams, warehouse
from flows.feeds import feed_of
from flows.file_forms import Form
from flows.importing import PLAIN, Steps, carry_out
from flows.jobs import Job, Outcome, Progress, say_nothing
from flows.landing import Batch
from flows.ledger import Choice, Import
from flows.settings import Settings
from flows.workspace import hold_workspace


@dataclass(frozen=True)
class Decision:
    """What somebody decides about a held import.

    Attributes:
        choice: ``apply``: what it was held for is as it should be; ``reject``: it is not to be
            imported; ``source``: it is to be read by another contract.
        by: Who says so.
        source: For ``source``: the name of that contract.
    """

    choice: Choice
    by: str
    source: str = ""


def decide(
    import_id: str,
    decision: Decision,
    settings: Settings,
    progress: Progress = say_nothing,
    steps: Steps = PLAIN,
    *,
    run_id: str = "",
) -> Outcome:
    """Carry out what somebody decided about a held import.

    An import that goes on may be held again, for another reason: what is accepted is what it was
    held for. Called again, as after a crash, the decision that was written down first counts.

    Args:
        import_id: The import, or the end of its id.
        decision: What is decided.
        settings: Where database and files are.
        progress: Told how far it is.
        steps: The steps that may be retried.
        run_id: The Prefect flow run in which it goes on.

    Returns:
        What became of it: done, declined, held again, or failed.

    Raises:
        WrongCallError: There is no such import, it was not held, its file is not kept any more, or
            there is no such source, or not the feed any more that brought the file; nobody knows by
            which source it could be applied; or somebody has decided otherwise, and that is not
            through yet.
        ContractError: ``feeds.yaml`` is wrong.
        DatabaseUnavailableError: Postgres does not answer.
    """
    if decision.choice not in get_args(Choice):
        raise WrongCallError(f"'{decision.choice}' is no decision: {', '.join(get_args(Choice))}.")
    if not decision.by.strip():
        raise WrongCallError("Say who decides: the ledger keeps it.")
    if decision.choice == "source":
        load_source(decision.source)
    with warehouse.connected(settings, import_id) as connection:
        found = ledger.find_import(connection, import_id)
        import_id = found.import_id
        if found.status == "held" and decision.choice == "apply" and found.source == AUTO:
            raise WrongCallError(
                f"Nobody knows yet how to read {found.file_name}, so it cannot be applied.\n"
                "Name its source (--source SOURCE), or reject it."
            )
        if found.status == "held" and decision.choice != "reject":
            # What it needs to go on must be there before the decision is written down.
            _batch_of(found, settings)
            feed_of(settings, found)
        with hold_workspace(settings.work, import_id):
            _note_decision(connection, import_id, decision)
            _check_decided(ledger.find_import(connection, import_id), decision)
            if run_id or ledger.find_import(connection, import_id).status == "failed":
                ledger.reopen_import(connection, import_id, run_id)
            entry = ledger.find_import(connection, import_id)
            if not entry.holds:
                raise WrongCallError(f"{import_id} was never held: it is {entry.status}.")
            if entry.status != "running":
                return Outcome.of_entry(entry)
            batch = _batch_of(entry, settings)
            job = _job_of(connection, entry, feed_of(settings, entry), batch.path)
            return carry_out(job, batch, settings, progress, steps)


def _note_decision(connection: psycopg.Connection, import_id: str, decision: Decision) -> None:
    """Write down what is decided, if the import is held: it then runs again, or never will."""
    connection.execute(
        "UPDATE imports SET holds = jsonb_set(holds, '{-1}', holds -> -1 || jsonb_build_object("
        " 'decision', %(choice)s::text, 'source', %(source)s::text, 'decided_by', %(by)s::text,"
        " 'decided_at', clock_timestamp())),"
        " status = CASE WHEN %(choice)s = 'reject' THEN 'declined' ELSE 'running' END,"
        " reason = CASE WHEN %(choice)s = 'reject' THEN reason END,"
        " finished_at = CASE WHEN %(choice)s = 'reject' THEN clock_timestamp() END"
        " WHERE import_id = %(id)s AND status = 'held' AND holds <> '[]'",
        {
            "choice": decision.choice,
            "source": decision.source,
            "by": decision.by.strip(),
            "id": import_id,
        },
    )


def _check_decided(entry: Import, decision: Decision) -> None:
    """Nobody who says no is to see the import go on, since somebody before has said yes.

    Raises:
        WrongCallError: What was written down first is another decision, to be carried out still.
    """
    if entry.status not in ("running", "failed") or not entry.holds:
        return
    hold = entry.holds[-1]
    if (hold.get("decision"), hold.get("source")) != (decision.choice, decision.source):
        words = {"apply": "--apply", "source": f"--source {hold.get('source')}"}
        raise WrongCallError(
            f"{hold.get('decided_by')} has decided otherwise about {entry.import_id}, which is"
            f" {entry.status} since. To try that again: leadfold decide {entry.import_id}"
            f" {words.get(str(hold.get('decision')), '')}"
        )


def _job_of(connection: psycopg.Connection, entry: Import, feed: Feed | None, path: Path) -> Job:
    """The job as it was, with what was decided about it since."""
    named = [hold["source"] for hold in entry.holds if hold.get("decision") == "source"]
    source = named[-1] if named else entry.source
    return Job(
        entry.import_id,
        teams.find_team(connection, entry.team_id),
        source,
        entry.source_file,
        entry.file_name,
        path,
        entry.started_at,
        is_dry_run=False,
        feed=feed,
        accepted=entry.accepted,
    )


def _batch_of(entry: Import, settings: Settings) -> Batch:
    """The landed file of an import.

    Raises:
        WrongCallError: It is gone.
    """
    path = settings.landing / f"{entry.file_hash}.{entry.file_form}"
    if not entry.file_hash or not path.is_file():
        raise WrongCallError(
            f"The file of {entry.import_id}, {entry.file_name}, is not kept any more.\n"
            "Import it again."
        )
    return Batch(
        entry.file_name, path, entry.file_hash, entry.file_bytes or 0, cast(Form, entry.file_form)
    )
