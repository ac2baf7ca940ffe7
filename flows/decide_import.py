"""The flow in which a held import waits for a person: it is suspended at once, with a form."""

from prefect import flow
from prefect.client.schemas.objects import State

from contracts.errors import WrongCallError
from flows import ledger, warehouse
from flows.jobs import Outcome
from flows.run_imports import STEPS, RunProgress, end, name_run, publish_outcome
from flows.runs import hold_run
from flows.settings import load_settings
from flows.waiting import settle, waiting_name


@flow(name="decide-import", validate_parameters=True, persist_result=False)
def decide_import(import_id: str) -> State[list[Outcome]]:
    """Ask a person what is to become of a held import, and carry it out.

    Args:
        import_id: The import, or the end of its id.
    """
    settings = load_settings()

    def work() -> list[Outcome]:
        with hold_run(settings) as run_id:
            with warehouse.connected(settings, import_id) as connection:
                entry = ledger.find_import(connection, import_id)
            name_run(waiting_name(entry.team_id, entry.source, entry.file_name))
            if not entry.holds:
                raise WrongCallError(f"{entry.import_id} was never held: it is {entry.status}.")
            tell = publish_outcome(settings)
            progress = RunProgress(entry.import_id, entry.team_id, entry.file_name)
            return [settle(entry.import_id, run_id, settings, progress, STEPS, tell)]

    return end(work, settings)
