"""Feeds with a schedule of their own: the deployment ``nightly-sync`` has one more for each."""

import logging
import threading

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound

from contracts.errors import LeadfoldError
from flows.feeds import load_feeds
from flows.settings import Settings

DEPLOYMENT = "nightly-sync/nightly-sync"
_SLUG = "feed-"
# Whoever edits feeds.yaml, or registers the deployment anew, is followed so soon.
_EVERY_SECONDS = 30.0

_logger = logging.getLogger("leadfold")


def run(settings: Settings, stop: threading.Event) -> None:
    """Keep the schedules as ``feeds.yaml`` says until ``stop`` is set.

    A file that is wrong, and a server that does not answer for a while, are waited for.
    """
    trouble = ""
    while not stop.is_set():
        trouble = try_schedules(settings, trouble)
        stop.wait(_EVERY_SECONDS)


def try_schedules(settings: Settings, trouble: str = "") -> str:
    """Do as ``sync_schedules``; tell what keeps it from being done, unless that is ``trouble``."""
    try:
        sync_schedules(settings)
    except (LeadfoldError, httpx.HTTPError) as error:
        what = str(error) if isinstance(error, LeadfoldError) else type(error).__name__
        if what != trouble:
            _logger.warning("Feeds have no schedules of their own as of now: %s", what)
        return what
    return ""


def sync_schedules(settings: Settings) -> list[str]:
    """Let the deployment ``nightly-sync`` have a schedule for each feed that has one of its own.

    Run again, it changes nothing. A schedule that somebody pauses stays paused.

    Returns:
        The ids of the feeds whose schedule was set, changed or removed; empty, too, where there is
        no such deployment.

    Raises:
        ContractError: ``feeds.yaml`` is wrong; the schedules stay as they were.
    """
    wanted = {
        f"{_SLUG}{feed.id}": DeploymentScheduleCreate(
            schedule=CronSchedule(cron=feed.schedule.cron, timezone=feed.schedule.timezone),
            parameters={"feeds": [feed.id]},
            slug=f"{_SLUG}{feed.id}",
        )
        for feed in load_feeds(settings)
        if feed.active and feed.schedule
    }
    changed = []
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            return []
        for known in deployment.schedules:
            slug = known.slug or ""
            same = wanted.get(slug)
            if same and (known.schedule, known.parameters) == (same.schedule, same.parameters):
                del wanted[slug]
            elif slug.startswith(_SLUG):
                client.delete_deployment_schedule(deployment.id, known.id)
                changed.append(slug)
        if wanted:
            client.create_deployment_schedules(deployment.id, list(wanted.values()))
    return sorted({slug.removeprefix(_SLUG) for slug in (*changed, *wanted)})
