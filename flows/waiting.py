"""Runs that wait for a person: suspended with a form, and taken up again with its answer."""

from collections.abc import Callable
from typing import Any, NoReturn, cast
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State, StateDetails, StateType
from prefect.exceptions import Pause
from prefect.input.actions import create_flow_run_input, delete_flow_run_input, read_flow_run_input
from prefect.input.run_input import keyset_from_base_key
from prefect.utilities.engine import propose_state_sync

from contracts.errors import WrongCallError
from contracts.registry import load_source, load_sources
from flows import ledger, report, warehouse
from flows.held import Decision, decide
from flows.importing import Steps
from flows.jobs import Outcome, Progress
from flows.ledger import Choice, Import
from flows.pages import escape
from flows.settings import Settings
from flows.terminal import visible

HELD = "Held"
"""The state's name of a run that waits, of type PAUSED."""

CHOICES: dict[str, Choice] = {
    "Apply it anyway": "apply",
    "Reject the file": "reject",
    "Read it as the source below": "source",
}
"""What people can decide, in the words of the form."""

AS_IT_IS = "(as it was read)"


def settle(
    import_id: str,
    run_id: str,
    settings: Settings,
    progress: Progress,
    steps: Steps,
    tell: Callable[[Outcome], None],
) -> Outcome:
    """See an import that was held through to its end, with a person's decisions.

    Where a decision is missing the run is suspended, for as long as it takes, and ends here. It is
    resumed from the start, in a new process, maybe on a machine that was restarted meanwhile.

    Args:
        import_id: The import.
        run_id: The flow run in which this is called; it has a deployment.
        settings: Where database and files are.
        progress: Told how far an import is that goes on.
        steps: The steps that may be retried.
        tell: Told each new outcome.

    Returns:
        What became of it: by now it is done, declined, or failed.

    Raises:
        WrongCallError: There is no such import, or its file is not kept any more.
    """
    while True:
        with warehouse.connected(settings, import_id) as connection:
            entry = ledger.find_import(connection, import_id)
        if entry.status == "held":
            decision = _ask(entry, UUID(run_id), settings)
        elif entry.status in ("running", "failed") and (decided := _last_decision(entry)):
            # Its process died, or the database went away: what was decided still counts.
            decision = decided
        else:
            return Outcome.of_entry(entry)
        outcome = decide(import_id, decision, settings, progress, steps, run_id=run_id)
        tell(outcome)
        if outcome.status != "held":
            return outcome


def has_asked(run_id: str) -> bool:
    """Whether a flow run was suspended before, so that a person decides."""
    with get_client(sync_client=True) as client:
        return bool(client.read_flow_run(UUID(run_id)).empirical_policy.pause_keys)


def _last_decision(entry: Import) -> Decision | None:
    hold = entry.holds[-1] if entry.holds else {}
    for choice in CHOICES.values():
        if hold.get("decision") == choice:
            return Decision(choice, hold["decided_by"], hold.get("source", ""))
    return None


def _ask(entry: Import, run_id: UUID, settings: Settings) -> Decision:
    """The answer to the form of a held import; where there is none yet, this ends the run."""
    problem = ""
    with get_client(sync_client=True) as client:
        used = client.read_flow_run(run_id).empirical_policy.pause_keys or set()
    for attempt in range(1000):
        # An answer is kept under its own key, so that each form is answered once.
        key = f"held-{entry.import_id.lower().replace('_', '-')}-{len(entry.holds)}-{attempt}"
        answer = read_flow_run_input(keyset_from_base_key(key)["response"], flow_run_id=run_id)
        if answer is None and key in used:
            # It was taken up again otherwise than by the form; Prefect takes a key once.
            continue
        if answer is None:
            _suspend(run_id, key, entry, settings, problem)
        try:
            return _read_answer(cast(dict[str, Any], answer))
        except WrongCallError as error:
            problem = str(error)
    raise WrongCallError(f"{entry.import_id}: decide with: leadfold decide {entry.import_id}")


def _read_answer(answer: dict[str, Any]) -> Decision:
    """What the form says.

    Raises:
        WrongCallError: It is not all that is needed.
    """
    choice = CHOICES.get(str(answer.get("what", "")))
    by, source = str(answer.get("by", "")).strip(), str(answer.get("source", ""))
    if choice is None:
        raise WrongCallError("Choose what to do.")
    if not by:
        raise WrongCallError("Say who decides: the ledger keeps it.")
    if choice != "source":
        return Decision(choice, by)
    if source in ("", AS_IT_IS):
        raise WrongCallError("Choose the source by which the file is to be read.")
    return Decision(choice, by, load_source(source).name)


def _suspend(run_id: UUID, key: str, entry: Import, settings: Settings, problem: str) -> NoReturn:
    """End this run until somebody has filled in its form.

    Raises:
        Pause: Always; Prefect takes it for the end of this process's part.
    """
    keys = keyset_from_base_key(key)
    outcome = Outcome.of_entry(entry)
    said = report.public_sentence(outcome, settings)
    message = f"{said} {problem}".strip()
    get_run_logger().info("%s: %s", entry.import_id, message)
    _save(run_id, keys["schema"], form_schema(entry))
    _save(run_id, keys["description"], _describe(entry, settings, problem))
    state = State[Any](
        type=StateType.PAUSED,
        name=HELD,
        message=message,
        state_details=StateDetails(pause_reschedule=True, pause_key=key, run_input_keyset=keys),
    )
    with get_client(sync_client=True) as client:
        raise Pause(state=propose_state_sync(client, state, flow_run_id=run_id))


def _save(run_id: UUID, key: str, value: object) -> None:
    """Keep a part of the form; one that a killed process left is replaced."""
    if read_flow_run_input(key, flow_run_id=run_id) is not None:
        delete_flow_run_input(key, flow_run_id=run_id)
    create_flow_run_input(key, value, flow_run_id=run_id)


def form_schema(entry: Import) -> dict[str, Any]:
    """The form by which people decide about a held import, as JSON schema."""
    what = list(CHOICES)
    if entry.source not in load_sources():
        # As long as nobody knows how to read it, it cannot be applied.
        what.remove("Apply it anyway")
    return {
        "title": "Decision",
        "type": "object",
        "properties": {
            "what": {
                "title": "What to do",
                "description": "What happens to the file.",
                "type": "string",
                "enum": what,
                "position": 0,
            },
            "source": {
                "title": "Source",
                "description": "Only for: read it as the source below.",
                "type": "string",
                "enum": [AS_IT_IS, *load_sources()],
                "default": AS_IT_IS,
                "position": 1,
            },
            "by": {
                "title": "Your name",
                "description": "The ledger keeps who decided.",
                "type": "string",
                "minLength": 1,
                "position": 2,
            },
        },
        "required": ["what", "by"],
    }


def _describe(entry: Import, settings: Settings, problem: str) -> str:
    """What stands above the form, as markdown."""
    reason = report.hide(entry.reason or "", entry.file_name, settings)
    told = [f"**{escape(problem)}**"] if problem else []
    told += [f"{escape(entry.file_name)} into {escape(entry.team_id)}, read as {entry.source}:"]
    told += [escape(line) for line in reason.splitlines()]
    told += ["Nothing was written so far. What you decide stands in the ledger, with your name."]
    return "\n\n".join(told)


def waiting_name(team: str, source: str, file_name: str) -> str:
    """What the run is called that only waits for a decision; the import had a run of its own."""
    return visible(f"{team}/{source} {file_name}: decide")


def close(client: SyncPrefectClient, run_id: UUID, message: str) -> None:
    """End a run that waits for what is decided already."""
    state = State[Any](type=StateType.COMPLETED, message=message)
    client.set_flow_run_state(run_id, state)
