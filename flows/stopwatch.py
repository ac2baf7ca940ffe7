"""How long each step of an import took, by what its progress tells."""

import time
from collections import defaultdict

from flows.jobs import Progress


class Stopwatch:
    """Listens to an import's progress, and passes it on.

    What passed since the last word belongs to the step of this one, so that ``read`` begins with
    landing and ``plan`` with waiting for the team's lock. ``commit`` is what follows the last word.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def __call__(self, step: str, rows: int) -> None:
        """Note that a step has come so far."""
        self._stop(step)
        self._progress(step, rows)

    def end(self) -> None:
        """Note that the import is over."""
        self._stop("commit")

    @property
    def seconds(self) -> dict[str, float]:
        """Step -> seconds, in the order in which they were first told of."""
        return {step: round(seconds, 3) for step, seconds in self._seconds.items()}

    def _stop(self, step: str) -> None:
        now = time.perf_counter()
        self._seconds[step] += now - self._last
        self._last = now
