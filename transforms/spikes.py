"""Whether a feed suddenly sends far more duplicates or rejects than it used to."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from transforms.plan import Counts

REMEMBERED = 20
"""So many earlier imports of the feed are compared with."""

_LEAST_REMEMBERED = 5
_TIMES = 3
# A feed that never had any has a median of zero: three times that is no measure.
_LEAST_RATE = 0.01
# One duplicate among five rows is a share of 20 %, and means nothing.
_LEAST_ROWS = 10


class Spike(NamedTuple):
    """A share that is out of the feed's ordinary.

    Attributes:
        what: ``duplicate`` or ``rejected``: which rows.
        rows: How many of this import are such rows.
        rate: Their share of all its rows, 0 to 1.
        usual_rate: The median of that share over the feed's last imports.
    """

    what: str
    rows: int
    rate: float
    usual_rate: float


def find_spikes(counts: Counts, before: Sequence[Counts]) -> Iterator[Spike]:
    """Which shares of an import's rows are beyond three times the feed's own median.

    Nothing is told of a feed with fewer than five earlier imports that had rows, of shares of 1 %
    or less, or of fewer than ten rows.

    Args:
        counts: What became of the import's rows.
        before: The same of the feed's imports before it; the last twenty are enough.
    """
    past = [each for each in before if each.landed]
    if len(past) < _LEAST_REMEMBERED or not counts.landed:
        return
    for what in ("duplicate", "rejected"):
        rows: int = getattr(counts, what)
        rate = rows / counts.landed
        usual = median(getattr(each, what) / each.landed for each in past)
        if rows >= _LEAST_ROWS and rate > max(_TIMES * usual, _LEAST_RATE):
            yield Spike(what, rows, rate, usual)
