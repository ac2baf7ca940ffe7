"""Row by row work, spread over threads: Polars lets go of Python's lock while it computes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
_END = object()


def take_ahead(items: Iterable[A]) -> Iterator[A]:
    """The same items, each made in a thread of its own while the caller uses the one before."""
    made = iter(items)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, made, _END)
        while (item := following.result()) is not _END:
            following = pool.submit(next, made, _END)
            yield item  # type: ignore[misc]


def spread(make: Callable[[A], B], items: Iterable[A], workers: int = 1) -> Iterator[B]:
    """What is made of each item, in the order of the items, whoever is ready first.

    While the caller uses one, the next are made, as many at a time as there are workers.

    Args:
        make: Called in a thread; changes nothing that other threads see.
        items: They are taken one by one, in the caller's thread.
        workers: How many items are worked on at a time, from 1.
    """
    with ThreadPoolExecutor(workers) as pool:
        begun: deque[Future[B]] = deque()
        try:
            for item in items:
                begun.append(pool.submit(make, item))
                if len(begun) > workers:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for rest in begun:
                rest.cancel()
