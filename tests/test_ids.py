"""Prefixed ULIDs."""

import hashlib

import polars as pl

from transforms.ids import derive_ids, make_id, time_part


def test_an_id_is_a_prefixed_ulid() -> None:
    """Ten characters of time and sixteen of randomness, in Crockford's base 32 (the ULID spec)."""
    # The example of the ULID specification: 1469918176385 ms is 01ARYZ6S41.
    assert make_id("lead", 1469918176385, 0) == "lead_01ARYZ6S410000000000000000"
    assert time_part("lead_01ARYZ6S410000000000000000") == "01ARYZ6S41"


def test_derived_ids_state_the_first_80_bits_of_their_digest() -> None:
    """The same digest gives the same id, and it is that of the scalar encoder."""
    digests = [hashlib.md5(str(number).encode()).hexdigest() for number in range(100)]
    expected = [make_id("lead", 1469918176385, int(digest[:20], 16)) for digest in digests]
    found = derive_ids("lead", "01ARYZ6S41", pl.Series("digest", digests))
    assert found.to_list() == expected


def test_no_digests_give_no_ids() -> None:
    """An import without new leads derives no ids."""
    assert derive_ids("lead", "01ARYZ6S41", pl.Series("digest", [], pl.String)).to_list() == []
