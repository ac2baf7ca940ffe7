"""Row by row work in threads: the order is that of the items, whoever is ready first."""

import threading
from collections.abc import Iterator

import pytest

from flows.spreading import spread, take_ahead


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


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_items_that_are_taken_ahead_are_the_same(count: int) -> None:
    """All of them, in their order, None among them."""
    items = [None, *range(count)]
    assert list(take_ahead(iter(items))) == items


def test_the_next_item_is_made_while_one_is_used() -> None:
    """It is there before the caller asks for it; the one after that is not begun."""
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    taken = take_ahead(items())
    assert next(taken) == 0
    assert made[1].wait(10)
    assert not made[2].is_set()
    assert list(taken) == [1, 2]


def test_what_goes_wrong_ahead_is_told_in_its_turn() -> None:
    """After the items before it."""

    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    taken = take_ahead(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="no more"):
        next(taken)
