"""Is this text an email address? The rules of `email-validator`, at column speed.

ASCII is decided by expressions. Anything else, and Punycode, goes to the library itself, once per
distinct text. Both give the same verdict and the same form; a test compares them.
"""

import re
import unicodedata

import email_validator
import polars as pl
from email_validator import EmailNotValidError, validate_email

# RFC 5322 3.2.3 atext, for text that is in lower case already.
_ATOM = r"[a-z0-9_!#$%&'*+\-/=?^`{|}~]+"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*"
# No double hyphen and no length limit on labels: 64 characters cannot break the limit of 63.
_PLAIN = rf"^{_LOCAL}@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:[a-z0-9]+-)*[a-z0-9]*[a-z]$"
_PLAIN_MAX_CHARS = 64

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ANY_ASCII = rf"^{_LOCAL}@(?:{_LABEL}\.)+{_LABEL}$"
# RFC 5890: a label with hyphens in third and fourth place is reserved (Punycode aside).
_RESERVED_LABEL = r"[@.][^@.]{2}--[^@]*$"
# The library takes RFC 1035's 253 for the domain, and RFC 3696's 254 for the whole.
ADDRESS_MAX_BYTES = 254

# RFC 6761: the library refuses `test`, `invalid`, `local` and other names that no mail can reach.
# It accepts `example.com` and `*.example`, and so do we: samples are written with them.
# Read from the library, so that a new release needs no change here.
_SPECIAL_USE = (
    r"[@.](?:" + "|".join(map(re.escape, email_validator.SPECIAL_USE_DOMAIN_NAMES)) + r")$"
)


def is_plain_address(text: pl.Expr) -> pl.Expr:
    """Whether lower-case text is certainly an address. False means: not decided. Null stays null.

    The cheap test that nine in ten cells of an email column pass.
    """
    return (
        text.str.contains(_PLAIN)
        & (text.str.len_bytes() <= _PLAIN_MAX_CHARS)
        & ~text.str.contains(_SPECIAL_USE)
    )


def is_ascii_address(text: pl.Expr) -> pl.Expr:
    """Whether lower-case text is an address: certain both ways for ASCII without ``xn--``."""
    ends_in_letter = text.str.contains(r"[a-z]$")
    return (
        text.str.contains(_ANY_ASCII)
        & ends_in_letter
        & (text.str.len_bytes() <= ADDRESS_MAX_BYTES)
        & ~text.str.contains(_RESERVED_LABEL)
        & ~text.str.contains(_SPECIAL_USE)
    )


def read_addresses(texts: pl.Series) -> pl.Series:
    """The stored form of each text that is an address, null for all others.

    Args:
        texts: One trimmed text each, best distinct. Null allowed.

    Returns:
        Local part in lower case and NFKC, ``@``, domain in lower case ASCII.
    """
    lowered = texts.str.to_lowercase()
    needs_library = lowered.str.contains(r"[^\x00-\x7f]|xn--").fill_null(False)
    by_rule = pl.select(pl.when(is_ascii_address(pl.lit(lowered))).then(pl.lit(lowered)))
    if not needs_library.any():
        return by_rule.to_series()
    hard = texts.filter(needs_library).unique()
    read = pl.Series([read_by_library(text) for text in hard], dtype=pl.String)
    by_library = texts.replace_strict(hard, read, default=None, return_dtype=pl.String)
    return pl.select(
        pl.when(needs_library).then(by_library).otherwise(by_rule.to_series())
    ).to_series()


def read_by_library(text: str) -> str | None:
    """The stored form by `email-validator` alone, without DNS. None for what it refuses.

    NFKC comes first (UTS #39 3.3 asks it of local parts), so that full-width text and ligatures
    make the same key. The result is read again, because lower case can undo a normal form.
    """
    if len(text) > ADDRESS_MAX_BYTES:
        return None
    try:
        parsed = validate_email(unicodedata.normalize("NFKC", text), check_deliverability=False)
        local = unicodedata.normalize("NFKC", parsed.local_part.lower())
        if local != parsed.local_part:
            validate_email(f"{local}@{parsed.ascii_domain}", check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{local}@{parsed.ascii_domain}"
