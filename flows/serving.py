"""The child of ``leadfold up`` that starts flow runs, each as a process of its own: ``python -m``.

What runs when it is told to stop is let go of and taken up again at the next start. Prefect's own
runner would leave it 'Running' for ever.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.runner import Runner

from flows.deployments import to_serve
from flows.prefect_address import await_server
from flows.settings import Settings, load_settings
from flows.sweeping import interrupt

_SERVER_SECONDS = 300
_ASK_SECONDS = 2
# How long an import may take to roll back; native code does not hear the signal.
LAST_WORDS_SECONDS = 5.0


class LeadfoldRunner(Runner):
    """Prefect's runner, but for its end."""

    def handle_sigterm(self, *_: Any, **__: Any) -> None:
        """Stop in good order, in the loop that runs: Prefect's own would leave it midway."""
        if self._loop is None or not self.started:
            sys.exit(0)
        self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.astop()))

    async def cancel_all(self) -> None:
        """Let go of what runs. To cancel would be to give up what nobody wanted given up."""
        runs = self._process_manager.flow_run_ids()
        await asyncio.gather(*(self._let_go(run_id) for run_id in runs))

    async def _let_go(self, run_id: UUID) -> None:
        # Told so, the process leaves the state of its run to us, and does not call it crashed.
        await self._control_channel.signal(run_id, "reschedule")
        try:
            await self._process_manager.kill(run_id, grace_seconds=LAST_WORDS_SECONDS)
        except ProcessLookupError:
            self._logger.debug("Flow run '%s' has just ended.", run_id)
        await asyncio.to_thread(interrupt, run_id)


async def serve(settings: Settings, tell_ready: Callable[[], None]) -> None:
    """Register the deployments of prefect.yaml, and run what is asked of them until a signal."""
    runner = LeadfoldRunner(
        name="leadfold",
        limit=settings.workers,
        query_seconds=_ASK_SECONDS,
        # What is missed while Leadfold is down is to come up when it is up again.
        pause_on_shutdown=False,
    )
    deployments = list(to_serve())
    await asyncio.to_thread(await_server, settings, _SERVER_SECONDS, lambda: False)
    for deployment in deployments:
        await runner.aadd_deployment(deployment)
    tell_ready()
    await runner.start()


def ready_file(home: Path) -> Path:
    """The file that says which process has registered the deployments."""
    return home / "up" / "serving"


def main() -> None:
    """Serve until a signal."""
    settings = load_settings()

    def tell_ready() -> None:
        ready_file(settings.home).write_text(str(os.getpid()))

    asyncio.run(serve(settings, tell_ready))


if __name__ == "__main__":
    main()
