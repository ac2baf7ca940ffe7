"""Whether a text, as a source wrote it, mentions a person."""

import pytest

from transforms.mentions import Mentions

ANN = Mentions(
    [
        ("phone", "+14155552671"),
        ("email", "annlee@gmail.com"),
        ("hubspot", "8001659"),
        ("generic", "12"),
        ("device_id+phone", "d\x1f+14155552671"),
    ]
)


@pytest.mark.parametrize(
    "text",
    [
        "Ann,+14155552671,x",
        "Ann,(415) 555-2671",
        'tel:"1.415.555.2671"',
        "00 1 415 555 2671",
        "Ann;Ann.Lee+news@Gmail.com;1",
        '{"id": 8001659}',
        "ANNLEE@GMAIL.COM",
    ],
)
def test_a_claim_is_found_in_any_spelling(text: str) -> None:
    """As files write it."""
    assert ANN.are_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann,415-555-2672",
        "415,5552671",
        "joannlee@gmail.com",
        "annlee@gmail.com.example",
        "x8001659",
        "12",
        "no@one",
    ],
)
def test_another_text_is_not(text: str) -> None:
    """Neither a part of another value, nor an id so short that it stands everywhere."""
    assert not ANN.are_in(text)


def test_nobody_without_claims_is_mentioned() -> None:
    """Nothing to look for is not everything."""
    assert not Mentions([]).are_in("Ann, 415-555-2671, a@example.com")
