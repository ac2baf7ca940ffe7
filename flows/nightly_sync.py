"""The nightly sync as a Prefect flow: what is new in every feed is imported.

Run it by hand with ``leadfold sync``; on a schedule with a deployment of prefect.yaml.
"""

from dataclasses import replace

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from contracts.feeds import Feed
from flows import report, sync_report
from flows.dashboard import publish_dashboard
from flows.feeds import choose_feeds
from flows.run_imports import guard, import_in_run
from flows.runs import hold_run, import_id_of
from flows.settings import Settings, load_settings
from flows.syncing import FileSync, Syncing, sync_feed
from flows.terminal import visible
from flows.waiting import HELD

# So many files get a report of their own; a feed's first night may bring thousands.
_FEW = 10


def _name_run() -> str:
    return ", ".join(flow_run.parameters.get("feeds") or ()) or "all feeds"


@flow(name="nightly-sync", flow_run_name=_name_run, validate_parameters=True, persist_result=False)
def nightly_sync(feeds: list[str] = []) -> State[None]:  # noqa: B006 (Prefect reads the default)
    """Import what is new in every feed, the oldest file first, each exactly once.

    Args:
        feeds: Ids of the feeds that are meant; none: all that have no schedule of their own.
    """
    settings = load_settings()
    logger = get_run_logger()
    told: list[str] = []

    def tell(feed: Feed, file: FileSync) -> None:
        told.append(file.name)
        said = sync_report.file_sentence(_hide(file, settings))
        logger.info("%s (%s), %s: %s", feed.id, feed.team, visible(file.name), said)

    def work() -> State[None]:
        with hold_run(settings) as run_id:
            how = Syncing(
                settings,
                lambda request: import_in_run(request, settings, publishes=len(told) < _FEW),
                lambda key: import_id_of(run_id, key),
                tell,
                "nightly",
                run_id,
            )
            syncs = [sync_feed(feed, how) for feed in choose_feeds(settings, feeds)]
            publish_dashboard(settings)
        syncs = [
            replace(each, files=[_hide(file, settings) for file in each.files]) for each in syncs
        ]
        create_markdown_artifact(
            sync_report.sync_markdown(syncs), key="nightly-sync", description="What feeds brought"
        )
        message = sync_report.sync_sentence(syncs)
        if all(each.is_good for each in syncs):
            return Completed(message=message)
        is_held = all(each.is_good or each.is_held for each in syncs)
        return Failed(name=HELD if is_held else "Failed", message=message)

    return guard(work, settings)


def _hide(file: FileSync, settings: Settings) -> FileSync:
    """What became of a file, for Prefect: with nobody's data in it, unless that is wanted."""
    return replace(file, reason=report.hide(file.reason, file.name, settings))
