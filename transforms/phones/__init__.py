"""Phone numbers: one comparable form, E.164, for every way in which people write them."""

import phonenumbers
import polars as pl

from contracts.people import E164_DIGITS
from transforms.phones import cells
from transforms.phones.library import ask_tables
from transforms.phones.readings import placeholder_numbers, read_texts

PHONE_SCHEMA = pl.Schema(
    [
        ("e164", pl.String()),
        ("extension", pl.String()),
        ("region", pl.String()),
        ("kind", pl.String()),
        ("is_valid", pl.Boolean()),
        ("issue", pl.String()),
        ("others", pl.List(pl.String())),
        ("repair", pl.String()),
    ]
)

_PIECES = {
    "cell": pl.get_index_type(),
    **{name: PHONE_SCHEMA[name] for name in ("e164", "extension", "region", "kind", "is_valid")},
    "others": PHONE_SCHEMA["others"],
    "pieces": pl.get_index_type(),
}

_DECIMAL_TAIL = r"\.0+[^0-9]*$"
_TWO_NUMBERS_BYTES = 2 * cells.FEWEST_DIGITS + 1


def normalize_phones(
    values: pl.Series,
    regions: pl.Series | str,
    *,
    area_codes: pl.Series | None = None,
    with_repairs: bool = False,
) -> pl.DataFrame:
    """Give each cell its phone number, as libphonenumber reads it.

    The rules are those of the installed `phonenumbers`. In front of it stand the forms that it
    does not know: they are listed in `phone_cells` and `phone_readings`, each with a repair code
    in `contracts.issues`. Numbers that are valid at home but too long for E.164 are refused.
    Normalising a result again changes nothing.

    Args:
        values: The cells as text. Null, empty and white space are blank.
        regions: Two-letter region of each cell, or one for all: where a number without a country
            code belongs. Null, or a code that the library does not know: nowhere.
        area_codes: Where a contract has a column for them: the area code of each cell, tried
            before a number that is not valid without one.
        with_repairs: Add `repair`.

    Returns:
        Row for row:

        - `e164`: the number, null unless it is valid and no placeholder
        - `extension`: digits dialled after it
        - `region`: two-letter code, or 001 for numbers that belong to no country
        - `kind`: mobile, fixed_line, fixed_line_or_mobile, toll_free, premium_rate, shared_cost,
          voip, personal_number, pager, uan or voicemail
        - `is_valid`
        - `issue`: a code of `contracts.issues` where a cell that is not blank gave no number
        - `others`: E.164 of the further numbers of the cell
        - `repair`: the code of the form that was read; where it is null, the library reads the
          cell in the same way
    """
    values = values.cast(pl.String)
    default = _known_regions(regions)
    answers, numbers = ask_tables(values, default)
    is_settled = (
        answers["is_valid"]
        & ~values.str.contains(_DECIMAL_TAIL)
        & (numbers < 10**E164_DIGITS)
        & ~numbers.is_in(placeholder_numbers().implode())
        # A slash is punctuation to the library, and between two numbers to people.
        & ~((values.str.len_bytes() >= _TWO_NUMBERS_BYTES) & values.str.contains("/", literal=True))
    ).fill_null(False)
    empty = pl.DataFrame(schema=PHONE_SCHEMA)
    result = {name: answers[name] for name in ("e164", "extension", "region", "kind", "is_valid")}
    result |= {name: _repeat(empty[name], None, len(values)) for name in ("issue", "repair")}
    result["others"] = _repeat(empty["others"], [], len(values))

    at = (~is_settled).arg_true()
    if len(at):
        rest = _read_distinct(
            pl.DataFrame(
                {
                    "value": values.gather(at),
                    "region": default.gather(at) if isinstance(default, pl.Series) else default,
                    "area": None if area_codes is None else area_codes.gather(at),
                },
                schema={"value": pl.String, "region": pl.String, "area": pl.String},
            )
        )
        for name in PHONE_SCHEMA.names():
            if name != "others":
                result[name] = result[name].scatter(at, rest[name])
        has_others = rest["others"].list.len() > 0
        if has_others.any():
            result["others"] = _replace_lists(result["others"], at, rest["others"])
    return pl.DataFrame([result[name].alias(name) for name in PHONE_SCHEMA.names()]).select(
        PHONE_SCHEMA.names() if with_repairs else PHONE_SCHEMA.names()[:-1]
    )


def _read_distinct(rows: pl.DataFrame) -> pl.DataFrame:
    """Read cells that the tables have not settled, each distinct one once."""
    distinct = rows.unique(maintain_order=True)
    read = read_cells(distinct.with_columns(pl.col("value").fill_null("")))
    return rows.join(
        distinct.hstack(read.rename({"region": "found_region"})),
        on=["value", "region", "area"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    ).select(*(pl.col("found_region" if n == "region" else n).alias(n) for n in PHONE_SCHEMA))


def read_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """Read cells in every form that `phone_cells` and `phone_readings` know.

    Args:
        rows: `value` (not null), `region` and `area`.

    Returns:
        The columns of `PHONE_SCHEMA`, row for row.
    """
    text = pl.col("text")
    rows = rows.with_row_index("cell").with_columns(text=cells.tidy(pl.col("value")))
    rows = rows.with_columns(
        characters=pl.when(text != pl.col("value")).then(pl.lit("phone_characters")),
        spreadsheet=pl.when(cells.has_decimal_tail(text))
        .then(pl.lit("phone_decimal_tail"))
        .when(cells.is_scientific(text))
        .then(pl.lit("phone_scientific_exact")),
        text=pl.when(cells.is_scientific(text))
        .then(cells.expand_scientific(text))
        .otherwise(cells.without_decimal_tail(text)),
    )
    pieces = _read_pieces(rows)
    is_split = pl.col("pieces") > 1
    whole = rows.join(pieces.filter(is_split), on="cell", how="anti", maintain_order="left")
    # A spreadsheet's zero must not come back as a digit.
    is_only_tidied = pl.col("spreadsheet").is_null() & pl.col("characters").is_not_null()
    whole = whole.filter(text.str.len_bytes() > 0).select(
        "cell", "region", "area", "text", raw=pl.when(is_only_tidied).then("value")
    )
    read = whole.select("cell").hstack(read_texts(whole))
    return _combine(rows, read, pieces)


def _read_pieces(rows: pl.DataFrame) -> pl.DataFrame:
    """The valid numbers of cells that fall into pieces: one row per cell that has any."""
    text = pl.col("text")
    rows = rows.select(
        "cell", "region", "area", text=cells.pieces(text), raw=pl.lit(None, dtype=pl.String)
    )
    rows = rows.filter(text.list.len() > 1).explode("text")
    rows = rows.filter(cells.digits(text).str.len_bytes() >= cells.FEWEST_DIGITS)
    if rows.is_empty():
        return pl.DataFrame(schema=_PIECES)
    read = rows.select("cell").hstack(read_texts(rows))
    return (
        read.filter("is_valid")
        .group_by("cell", maintain_order=True)
        .agg(
            pl.col("e164", "extension", "region", "kind", "is_valid").first(),
            pl.col("e164").unique(maintain_order=True).slice(1).alias("others"),
            pl.len().alias("pieces"),
        )
    )


def _combine(rows: pl.DataFrame, whole: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Choose between a cell as one number and its pieces as several.

    One valid piece of a valid whole is the library's business: `4155552671, 12`.
    """
    rows = (
        rows.select("cell", "text", "spreadsheet", "characters")
        .join(whole, on="cell", how="left", maintain_order="left")
        .join(pieces, on="cell", how="left", maintain_order="left", suffix="_piece")
    )
    is_whole = pl.col("is_valid").fill_null(False)
    is_split = ~is_whole & pl.col("pieces").is_not_null()

    def chosen(name: str) -> pl.Expr:
        return pl.when(is_split).then(f"{name}_piece").otherwise(name).alias(name)

    return rows.select(
        *(chosen(name) for name in ("e164", "extension", "region", "kind")),
        chosen("is_valid").fill_null(False),
        issue=pl.when(pl.col("text").is_null())
        .then(pl.lit("phone_scientific"))
        .when(~is_split)
        .then("issue"),
        others=pl.when(is_split).then("others").fill_null([]),
        repair=pl.when(is_split)
        .then(pl.lit("phone_several_numbers"))
        .when(is_whole)
        .then(pl.coalesce("repair", "spreadsheet", "characters"))
        .when(pl.col("text").is_not_null())
        .then("spreadsheet"),
    )


def _known_regions(regions: pl.Series | str) -> pl.Series | str | None:
    """Region codes in capitals, null where the library has no such region."""
    known = list(phonenumbers.SUPPORTED_REGIONS)
    if isinstance(regions, str):
        region = regions.strip().upper()
        return region if region in phonenumbers.SUPPORTED_REGIONS else None
    if regions.is_in(known).all(ignore_nulls=False):
        return regions
    regions = regions.cast(pl.String).str.strip_chars().str.to_uppercase()
    return regions.set(~regions.is_in(known), None)


def _repeat(like: pl.Series, value: list[str] | None, rows: int) -> pl.Series:
    return pl.Series(like.name, [value], dtype=like.dtype).new_from_index(0, rows)


def _replace_lists(lists: pl.Series, at: pl.Series, others: pl.Series) -> pl.Series:
    """`Series.scatter` for lists, which it does not take."""
    position = pl.repeat(0, len(lists), dtype=pl.UInt32, eager=True)
    position = position.scatter(at, 1 + pl.int_range(len(at), eager=True))
    return pl.concat([lists.head(1), others], rechunk=True).gather(position)
