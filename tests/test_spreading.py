"""Row by row work in threads: the order is that of the items, whoever is ready first."""

import threading
from collections.abc import Iterator

import pytest

from flows.spreading import spread


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_the_order_is_that_of_the_items(workers: int, count: int) -> None:
    """However many work at a time."""
    assert list(spread(lambda item: item * 2, range(count), workers)) == list(
        range(0, 2 * count, 2)
    )


def test_who_is_ready_first_waits_for_those_before() -> None:
    """The first item is done only when the second one is."""
    second = threading.Event()

    def make(item: int) -> int:
        if item == 1:
            second.set()
        else:
            assert second.wait(10)
        return item

    assert list(spread(make, [0, 1], 2)) == [0, 1]


def test_no_more_is_begun_than_there_are_workers() -> None:
    """While the caller uses one, as many others are under way; the rest has not been taken."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(9):
            taken.append(item)
            yield item

    found = spread(lambda item: item, items(), 2)
    next(found)
    assert taken == [0, 1, 2]


def test_an_error_is_raised_where_its_item_stands() -> None:
    """Those before it have been handed out."""
    found = spread(lambda item: 1 // item, [1, 0, 1], 2)
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError):
        next(found)
