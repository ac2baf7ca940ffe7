"""The form of ``import-file`` in the Prefect UI: what can be chosen is what there is now."""

import logging
import threading
from collections.abc import Sequence
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.exceptions import ObjectNotFound
from watchfiles import watch

from contracts.errors import LeadfoldError
from contracts.feeds import AUTO
from contracts.registry import load_sources
from flows import inbox, warehouse
from flows.settings import Settings
from flows.teams import Team, list_teams

DEPLOYMENT = "import-file/import-file"
_EVERY_SECONDS = 15
_logger = logging.getLogger("leadfold")


def run(settings: Settings, stop: threading.Event) -> None:
    """Keep the form current until ``stop`` is set: files within a second, teams within fifteen.

    A server or database that does not answer for a while is waited for.
    """
    settings.inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    trouble = _try(settings, "")
    for _ in watch(
        settings.inbox,
        stop_event=stop,
        rust_timeout=_EVERY_SECONDS * 1000,
        yield_on_timeout=True,
        debounce=400,
        raise_interrupt=False,
    ):
        trouble = _try(settings, trouble)


def _try(settings: Settings, trouble: str) -> str:
    """Refresh; tell once what keeps it from being done."""
    try:
        refresh(settings)
    except (LeadfoldError, httpx.HTTPError) as error:
        told = f"The form of import-file is not current: {type(error).__name__}"
        if told != trouble:
            _logger.warning("%s", told)
        return told
    return ""


def refresh(settings: Settings) -> bool:
    """Make the form say what teams, sources and files there are, if it says something else.

    Returns:
        Whether it was changed.

    Raises:
        DatabaseUnavailableError: Postgres does not answer.
    """
    with warehouse.connected(settings, "leadfold forms") as connection:
        teams = list_teams(connection)
    inbox.make_folders(settings, teams)
    wanted = form_schema(settings, teams)
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            return False
        if found.parameter_openapi_schema == wanted:
            return False
        update = DeploymentUpdate(parameter_openapi_schema=wanted)
        client.update_deployment(found.id, update)
    return True


def form_schema(settings: Settings, teams: Sequence[Team]) -> dict[str, Any]:
    """The form as JSON schema: dropdowns of the teams, the sources and the inbox's files."""
    files = inbox.list_files(settings, teams)
    names = [team.name for team in teams] or ["There is no team yet: leadfold teams add NAME"]
    fields: dict[str, dict[str, Any]] = {
        "team": {
            "title": "Team",
            "description": "Whose people the file is about.",
            "type": "string",
            "enum": names,
        },
        "source": {
            "title": "Source",
            "description": "Who sent the file. auto: find it out by the header.",
            "type": "string",
            "enum": [AUTO, *load_sources()],
        },
        "file": {
            "title": "File",
            "description": f"A file of the team's folder in {settings.inbox}, the newest first.",
            "type": "string",
            "enum": files or [inbox.how_to_add(settings)],
        },
        "dry_run": {
            "title": "Dry run",
            "description": "Only tell what would happen; write nothing.",
            "type": "boolean",
            "default": False,
        },
        "your_name": {
            "title": "Your name",
            "description": "The ledger keeps who started it.",
            "type": "string",
            "default": "",
        },
    }
    return {
        "title": "Parameters",
        "type": "object",
        "properties": {
            name: {**field, "position": number}
            for number, (name, field) in enumerate(fields.items())
        },
        "required": ["team", "source", "file"],
        "definitions": {},
    }
