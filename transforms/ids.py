"""Prefixed ULIDs: sortable, readable in a log, and the same again on a retry."""

from hashlib import md5

import numpy as np
import polars as pl

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", dtype=np.uint8)
_CHARS, _RANDOM_CHARS, _HASH_CHARS = 26, 16, 8
_RANDOM_BITS = 80


def time_part(identifier: str) -> str:
    """The ten characters of an id that state its millisecond."""
    return identifier.rpartition("_")[2][:10]


def make_id(prefix: str, milliseconds: int, random_80_bits: int) -> str:
    """One id, as an import gets it when it starts: ``import_01K...``."""
    return f"{prefix}_" + _spell((milliseconds << _RANDOM_BITS) | random_80_bits, _CHARS)


def _spell(value: int, chars: int) -> str:
    letters = _ALPHABET.tobytes().decode()
    return "".join(letters[(value >> 5 * place) & 31] for place in range(chars - 1, -1, -1))


def number_part(import_id: str) -> str:
    """What the ids of an import's new leads and people have in common, before their number.

    Ten characters of its time and eight (40 bits) of its hash, so that no other import's are the
    same. Numbered in the order in which they are written, ids grow an index at one end, which costs
    Postgres a third less than hashes do; eight characters of number follow (``macros.sql``).
    """
    digest = md5(import_id.encode(), usedforsecurity=False).digest()
    return time_part(import_id) + _spell(int.from_bytes(digest[:5]), _HASH_CHARS)


def derive_ids(prefix: str, time: str, digests: pl.Series) -> pl.Series:
    """Ids from digests, so that a retry makes the same ones.

    Args:
        prefix: What the ids are of: ``lead``, ``persona``.
        time: ``time_part`` of the import's id.
        digests: Hex digests of at least 80 bits, of import and record.

    Returns:
        Text of ``<prefix>_``, the ten characters of the time and 16 of the digest
        (Crockford's base 32, the first 80 bits).
    """
    packed = b"".join(digests.str.head(20).str.decode("hex").to_list())
    octets = np.frombuffer(packed, dtype=np.uint8).reshape(-1, 10)
    bits = np.unpackbits(octets, axis=1).reshape(-1, _RANDOM_CHARS, 5)
    values = bits @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)
    texts = _ALPHABET[values].view(f"S{_RANDOM_CHARS}").ravel().astype(str)
    return (f"{prefix}_{time}" + pl.Series(digests.name, texts, dtype=pl.String)).alias(
        digests.name
    )
