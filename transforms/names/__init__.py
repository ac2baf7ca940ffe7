"""Names as they are written, taken apart where that is certain, and a form to compare by."""

import re

import polars as pl

from transforms.columns import put
from transforms.folding import fold
from transforms.names import parts, words

_FIELDS = ("first_name", "middle_name", "last_name", "full_name")
_BUSINESS = rf"(?i)(?:^|[\s,.&])(?:{'|'.join(map(re.escape, words.BUSINESS_ENDINGS))})\.?$"
# Of names with a space for all that is neither letter nor digit.
_PLACEHOLDER = rf"(?i)^ ?(?:{'|'.join(words.PLACEHOLDERS).replace(' ', ' ?')}) ?$"
_SAID = ("honorific", "suffix", "issue")
_READ = ("honorific", *_FIELDS[:3], "suffix", "full_name", "name_key", "issue")
_SEVERAL = r"(?i)\p{L}\.?\s*(?:&|\+|\s(?:and|und|&amp;)\s)\s*\p{L}"
_FAMILY_FIRST_SCRIPTS = r"[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}]"
_PARTICLE = rf"(?:(?i:{'|'.join(words.PARTICLES)})\.?\s+)"
# First, at most one middle name, last name with its particles. Four names and more are not split:
# nobody can tell two middle names from two last names.
_IN_ORDER = rf"^([^\s,]+)\s+(?:({_PARTICLE}*[^\s,]+)\s+)??({_PARTICLE}*[^\s,]+)$"
_INVERTED = r"^([^,]+?)\s*,\s*([^\s,]+)(?:\s+([^,]+))?$"


def normalize_names(names: pl.DataFrame) -> pl.DataFrame:
    """Take names apart where that is certain, and mend their case where there was none.

    Blanks are null without an issue. A full name is split only if no other field holds a name, and
    only as far as its form is plain: ``Last, First Middle``, ``First Last``, ``First Middle Last``
    (particles belong to the last name). Words never change places on a guess: Chinese, Japanese and
    Korean script, four words and more, single words, companies and couples stay whole. Letters stay
    as written, in NFC; only names all in capitals or all in small letters get capitals. Read again,
    the names give themselves.

    Args:
        names: Text columns ``first_name, middle_name, last_name, full_name``; null allowed.

    Returns:
        Row for row, all text:

        - ``honorific`` (Mr, Dr), ``suffix`` (Jr, III, MD): in one spelling each, generation first
          as written, several with a space between.
        - ``first_name, middle_name, last_name``
        - ``full_name``: as written.
        - ``name_key``: first and last name, else the full name, without accents, case and
          punctuation. To compare, never to show.
        - ``issue``: one code, the gravest: ``name_placeholder`` or ``name_unreadable`` (that field
          is null), ``name_is_business``, ``name_several_people``, ``name_has_digits``,
          ``name_unsplit`` (all kept as written).
    """
    tidied = names.select(parts.tidy(pl.col(name).cast(pl.String)).alias(name) for name in _FIELDS)
    is_odd = ~tidied.select(parts.is_plain_row(*_FIELDS[:3])).to_series()
    is_odd = put(is_odd, is_odd, ~_are_accented(tidied.filter(is_odd)))
    untouched = tidied.with_columns(
        honorific=pl.lit(None, pl.String),
        suffix=pl.lit(None, pl.String),
        name_key=fold(_name_to_compare()),
        issue=pl.lit(None, pl.String),
    )
    if not is_odd.any():
        return untouched.select(_READ)
    odd = _normalize_odd(tidied.filter(is_odd))
    return pl.DataFrame({name: put(untouched[name], is_odd, odd[name]) for name in _READ})


def _are_accented(names: pl.DataFrame) -> pl.Series:
    is_placeholder = pl.any_horizontal(_is_placeholder(pl.col(name)) for name in _FIELDS[:3])
    is_accented = parts.is_accented_row(*_FIELDS[:3]) & ~is_placeholder.fill_null(False)
    return names.select(is_accented).to_series()


def _name_to_compare() -> pl.Expr:
    both = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)
    return pl.coalesce(pl.when(both != "").then(both), "full_name")


def _normalize_odd(names: pl.DataFrame) -> pl.DataFrame:
    read = (
        names.with_columns(pl.lit(None, pl.String).alias(each) for each in _SAID)
        .pipe(_empty_stand_ins)
        .pipe(_mark_kept)
        .pipe(_take_titles)
        .pipe(_empty_stand_ins)
        .pipe(_split)
        # Once more for what stood inside the whole: `Smith Jr., Dr. John`.
        .pipe(_take_titles)
        .pipe(_empty_stand_ins)
        .pipe(_put_back)
    )
    return _finish(read, names["full_name"])


def _empty_stand_ins(names: pl.DataFrame) -> pl.DataFrame:
    """Null for `Unknown`, for what holds no letter, and for `Dr.` where a first name should be."""
    is_lone = parts.is_lone_honorific(pl.col("first_name")).fill_null(False)
    # A full name that stands beside the fields is not read, so nothing is wrong with it.
    is_alone = pl.all_horizontal(pl.col(*_FIELDS[:3]).is_null())
    read = [*map(pl.col, _FIELDS[:3]), pl.when(is_alone).then("full_name")]
    is_placeholder, is_unreadable = (
        pl.any_horizontal(test(each) for each in read) for test in (_is_placeholder, _is_unreadable)
    )
    return names.with_columns(
        *[
            pl.when(
                ~_is_placeholder(pl.col(name))
                & ~_is_unreadable(pl.col(name))
                & (~is_lone if name == "first_name" else pl.lit(True))
            )
            .then(name)
            .alias(name)
            for name in _FIELDS
        ],
        honorific=pl.coalesce(
            "honorific", pl.when(is_lone).then(parts.spell_honorific(pl.col("first_name")))
        ),
        issue=pl.coalesce(
            "issue",
            pl.when(is_placeholder).then(pl.lit("name_placeholder")),
            pl.when(is_unreadable).then(pl.lit("name_unreadable")),
        ),
    )


def _is_placeholder(name: pl.Expr) -> pl.Expr:
    return name.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.contains(_PLACEHOLDER)


def _is_unreadable(name: pl.Expr) -> pl.Expr:
    return ~name.str.contains(r"\p{L}")


def _mark_kept(names: pl.DataFrame) -> pl.DataFrame:
    """Say in ``kept`` why a row stays as written. The full name counts only where it is alone."""
    fields = pl.concat_str(*_FIELDS[:3], separator=" ", ignore_nulls=True)
    seen = pl.when(fields != "").then(fields).otherwise("full_name")
    bare = [parts.without_suffixes(pl.col(name)) for name in _FIELDS[:3]]
    bare_full = pl.when(fields == "").then(parts.without_suffixes(pl.col("full_name")))
    has_digits = pl.any_horizontal(each.str.contains(r"[\d@]") for each in (*bare, bare_full))
    return names.with_columns(
        kept=pl.when(seen.str.contains(_BUSINESS))
        .then(pl.lit("name_is_business"))
        .when(seen.str.contains(_SEVERAL))
        .then(pl.lit("name_several_people"))
        .when(has_digits)
        .then(pl.lit("name_has_digits"))
    )


def _take_titles(names: pl.DataFrame) -> pl.DataFrame:
    """Honorifics and suffixes into their own columns."""
    may_have = pl.any_horizontal(parts.may_have_title(pl.col(name)) for name in _FIELDS)
    is_titled = names.select(may_have.fill_null(False)).to_series()
    titled = _split_off_titles(names.filter(is_titled))
    return names.with_columns(
        put(names[name], is_titled, titled[name])
        for name in ("honorific", "suffix", "first_name", "last_name", "full_name")
    )


def _split_off_titles(names: pl.DataFrame) -> pl.DataFrame:
    sources = [name for name in ("last_name", "first_name", "full_name") if name in names.columns]
    open_names = [pl.when(pl.col("kept").is_null()).then(name) for name in sources]
    is_alone = pl.all_horizontal(pl.col(*_FIELDS[:3]).is_null())
    counted = [
        each if name != "full_name" else pl.when(is_alone).then(each)
        for name, each in zip(sources, open_names, strict=True)
    ]
    bare = names.with_columns(
        pl.coalesce("suffix", *[parts.suffixes(each) for each in counted]).alias("suffix"),
        *[
            pl.coalesce(parts.without_suffixes(each), name).alias(name)
            for name, each in zip(sources, open_names, strict=True)
        ],
    )
    return bare.with_columns(
        pl.coalesce("honorific", *[parts.honorifics(each) for each in counted]).alias("honorific"),
        *[
            pl.coalesce(parts.without_honorifics(each), name).alias(name)
            for name, each in zip(sources, open_names, strict=True)
        ],
    )


def _split(names: pl.DataFrame) -> pl.DataFrame:
    """Fill the fields from a full name, or from a ``Last, First`` that stands in one field."""
    count = pl.sum_horizontal(pl.col(name).is_not_null() for name in _FIELDS[:3])
    names = names.with_columns(count=count).with_columns(
        [
            pl.when((pl.col("count") == 1) & pl.col(name).str.contains(","))
            .then(name)
            .alias(f"inverted_{name}")
            for name in ("first_name", "last_name")
        ]
    )
    inverted = pl.coalesce("inverted_last_name", "inverted_first_name")
    names = names.with_columns(
        whole=pl.when(pl.col("kept").is_null()).then(
            pl.coalesce(inverted, pl.when(pl.col("count") == 0).then("full_name"))
        )
    )
    readable = pl.when(~pl.col("whole").str.contains(_FAMILY_FIRST_SCRIPTS)).then("whole")
    in_order = readable.str.extract_groups(_IN_ORDER).struct
    # `Smith, Jr., John`: a suffix between the commas belongs to the last name.
    joined = readable.str.replace(parts.MIDDLE_SUFFIX, " ${1},")
    inner = joined.str.extract(parts.INNER_HONORIFICS)
    last_first = (
        joined.str.replace(parts.INNER_HONORIFICS, ", ").str.extract_groups(_INVERTED).struct
    )
    is_moved = pl.col("whole").is_not_null()
    return names.with_columns(
        honorific=pl.coalesce("honorific", parts.spell_honorific(inner)),
        first_name=pl.when(is_moved)
        .then(pl.coalesce(in_order["1"], last_first["2"]))
        .otherwise("first_name"),
        middle_name=pl.when(is_moved)
        .then(pl.coalesce(in_order["2"], last_first["3"]))
        .otherwise("middle_name"),
        last_name=pl.when(is_moved)
        .then(pl.coalesce(in_order["3"], last_first["1"]))
        .otherwise("last_name"),
    )


def _put_back(names: pl.DataFrame) -> pl.DataFrame:
    """A name that could not be split goes back to the field in which it stood."""
    is_empty = pl.all_horizontal(pl.col(*_FIELDS[:3]).is_null())
    is_unsplit = pl.col("whole").is_not_null() & is_empty
    unsplit = pl.when(is_unsplit).then(pl.lit("name_unsplit"))
    return names.with_columns(
        *[
            pl.when(is_unsplit).then(f"inverted_{name}").otherwise(name).alias(name)
            for name in ("first_name", "last_name")
        ],
        kept=pl.coalesce("kept", unsplit),
        issue=pl.coalesce("issue", "kept", unsplit),
    )


def _finish(names: pl.DataFrame, full_name: pl.Series) -> pl.DataFrame:
    is_plain = pl.col("kept").is_null()
    repaired = names.with_columns(
        pl.when(is_plain)
        .then(parts.repair_case(pl.col(name), is_last=name == "last_name"))
        .otherwise(name)
        .alias(name)
        for name in _FIELDS[:3]
    )
    return repaired.select(
        "honorific",
        *_FIELDS[:3],
        "suffix",
        full_name.alias("full_name"),
        name_key=fold(_name_to_compare()),
        issue="issue",
    )
