"""What people put around email addresses, and several addresses in one cell.

Used only for cells that are not an address as they stand. What is taken away, form by form:
invisible characters, ``mailto:`` with its ``?subject=``, an ``Email:`` label, quoted and plain
display names before ``<...>``, comments in parentheses, brackets and quotes around an address,
commas, semicolons, full stops and colons behind it.

A word before an address with nothing but a space between (``jane smith@example.com``) may be half
of the address. Such a cell is not read: a wrong address would be somebody else's.
"""

from typing import NamedTuple

import polars as pl

from transforms.emails.syntax import ADDRESS_MAX_BYTES, read_addresses

# A longer cell is a note, not a list of addresses; reading it would cost without bound.
CELL_MAX_CHARS = 4 * ADDRESS_MAX_BYTES

# Zero-width, soft hyphen, bidi marks and the byte order mark: copied from web pages, never typed.
_INVISIBLE = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
_LABEL = r"(?i)(^|[\s,;<(\[])(?:e-?mail(?:\s+address)?|mailto|mail)\s*:\s*"
_OPENING = "<([{\"'“”‘’«‹"
_CLOSING = ">)]}\"'“”‘’»›.,;:!"
# Words between two addresses that say nothing.
_CONNECTORS = ["and", "or", "und", "oder", "et", "y", "&", "-", "/", "|", "+"]


class ReadCells(NamedTuple):
    """Row for row what distinct cells hold.

    Attributes:
        addresses: List of the addresses in the cell, in order, each once. Empty: none.
        has_leftover: Whether something beside the addresses could not be read.
    """

    addresses: pl.Series
    has_leftover: pl.Series


def clean_cells(cells: pl.Series) -> pl.Series:
    """Cells in NFKC without invisible characters and outer blanks; nothing else is touched."""
    return cells.str.normalize("NFKC").str.replace_all(_INVISIBLE, "").str.strip_chars()


def read_cells(cells: pl.Series) -> ReadCells:
    """Find the addresses of cells that are not one plain address.

    Args:
        cells: Cleaned by :func:`clean_cells`. No nulls.
    """
    short = pl.select(
        pl.when(pl.lit(cells).str.len_chars() <= CELL_MAX_CHARS).then(pl.lit(cells))
    ).to_series()
    tokens = (
        pl.DataFrame({"cell": short})
        .with_row_index("row")
        .with_columns(is_bracketed=pl.col("cell").str.contains(r"<[^<>]*@[^<>]*>"))
        .with_columns(token=_split("cell"))
        .explode("token", empty_as_null=True)
        .with_columns(address=_read_token("token"), is_word=_is_word("token"))
        .with_columns(address=pl.when(~_is_behind_word()).then("address"))
    )
    # The words of a display name need no account; other words do.
    is_lost = pl.col("address").is_null() & (
        pl.col("token").str.contains("@") | (pl.col("is_word") & ~pl.col("is_bracketed"))
    )
    read = tokens.group_by("row", maintain_order=True).agg(
        addresses=pl.col("address").drop_nulls().unique(maintain_order=True),
        has_leftover=is_lost.any(),
    )
    return ReadCells(read["addresses"], read["has_leftover"])


def suggest_addresses(cells: pl.Series) -> pl.Series:
    """What an unreadable cell may have meant: ``jane@gmail,com``, ``jane @x.com``, ``jane at x``.

    A suggestion only. `Doe @ x.com` could have lost half of its name, so nothing is changed.

    Returns:
        An address, or null where none suggests itself.
    """
    repaired = (
        cells.str.replace(r"(?i)\s*[(\[]at[)\]]\s*|\s+at\s+", "@")
        .str.replace_all(r"(?i)\s*[(\[]dot[)\]]\s*|\s+dot\s+", ".")
        .str.replace_all(r"\s+", "")
        .str.replace_all(r"[,;]", ".")
        .str.replace_all(r"\.{2,}", ".")
        .str.replace_all(r"@{2,}", "@")
        .str.replace(r"\.@", "@")
        .str.replace(r"@\.", "@")
        .str.strip_chars("." + _OPENING + _CLOSING)
    )
    is_one = repaired.str.count_matches("@", literal=True) == 1
    return read_addresses(pl.select(pl.when(pl.lit(is_one)).then(pl.lit(repaired))).to_series())


def _split(cell: str) -> pl.Expr:
    return (
        pl.col(cell)
        .str.replace_all(r'"[^"]*"\s*<', " <")
        .str.replace_all(r"\([^()@]*\)", " ")
        .str.replace_all(_LABEL, "${1} ; ")
        .str.replace_all(r"(@[^\s,;?<>]+)\?[^\s,;<>]*", "${1}")
        # A slash or bar may stand in a local part, never in a domain.
        .str.replace_all(r"(@[^\s,;|/]+)[|/]+", "${1} ")
        .str.replace_all(r"[<>()\[\]]", " ; ")
        .str.extract_all(r"[,;]|[^\s,;]+")
    )


def _is_behind_word() -> pl.Expr:
    is_same_cell = pl.col("row") == pl.col("row").shift(1)
    return (is_same_cell & pl.col("is_word").shift(1)).fill_null(False)


def _is_word(token: str) -> pl.Expr:
    """Whether a token is neither an address, nor a mark, nor a label like ``Home:``."""
    text = pl.col(token)
    return text.str.contains(r"^[^@]*[^@,;:]$") & ~text.str.to_lowercase().is_in(_CONNECTORS)


def _read_token(token: str) -> pl.Expr:
    def read(tokens: pl.Series) -> pl.Series:
        whole = read_addresses(tokens)
        trimmed = tokens.str.strip_chars_start(_OPENING).str.strip_chars_end(_CLOSING)
        retry = pl.select(pl.when(pl.lit(whole).is_null()).then(pl.lit(trimmed))).to_series()
        return pl.select(pl.coalesce(pl.lit(whole), pl.lit(read_addresses(retry)))).to_series()

    return pl.col(token).map_batches(read, return_dtype=pl.String)
