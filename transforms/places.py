"""States, countries and postcodes, to the codes that the rest of the world uses."""

import gettext
from functools import cache

import polars as pl
import pycountry
import us

from transforms.columns import by_value, put, spread
from transforms.folding import fold

# USPS Publication 28, Appendix B: military post, and states in free association with the USA.
_POSTAL_STATES = {
    "AA": "Armed Forces Americas", "AE": "Armed Forces Europe", "AP": "Armed Forces Pacific",
    "FM": "Federated States of Micronesia", "MH": "Marshall Islands", "PW": "Palau",
}  # fmt: skip
_STATE_ALIASES = {
    "Washington DC": "DC", "Washington D.C.": "DC", "D.C.": "DC", "US Virgin Islands": "VI",
    "Virgin Islands": "VI",
}  # fmt: skip
# What people write and no standard lists. England and its sisters are parts of GB (ISO 3166-2).
_COUNTRY_ALIASES = {
    "USA": "US", "U.S.": "US", "U.S.A.": "US", "America": "US", "United States of America": "US",
    "Estados Unidos de America": "US", "UK": "GB", "U.K.": "GB", "Great Britain": "GB",
    "Britain": "GB", "England": "GB", "Scotland": "GB", "Wales": "GB", "Northern Ireland": "GB",
    "Holland": "NL", "The Netherlands": "NL", "Czech Republic": "CZ", "Turkey": "TR",
    "Russia": "RU", "South Korea": "KR", "Korea": "KR", "North Korea": "KP", "Ivory Coast": "CI",
    "Cape Verde": "CV", "Swaziland": "SZ", "Burma": "MM", "Macedonia": "MK", "UAE": "AE",
    "Emirates": "AE", "KSA": "SA", "PRC": "CN", "P.R. China": "CN", "Vatican": "VA",
    "Brunei": "BN", "East Timor": "TL", "Palestine": "PS", "Micronesia": "FM", "Macau": "MO",
    "DR Congo": "CD", "DRC": "CD", "The Bahamas": "BS", "The Gambia": "GM", "Kosovo": "XK",
}  # fmt: skip
# Languages whose country names are read. A name that means two countries is read as neither.
_LANGUAGES = ("de", "es", "fr", "id", "it", "ms", "nl", "pl", "pt", "pt_BR", "sv", "da", "tr")

_ZIP = r"^(\d{5})(?:[-\s]?(\d{4}))?$"
# Five digits less one or two, or nine less one or two: the lowest ZIP is 00501, Holtsville, NY.
_LOWEST_ZIP = "00501"
_SHORT_ZIP = r"^(?:\d{3,4}|\d{7,8}|\d{3,4}-\d{4})$"
_DECIMAL_TAIL = r"^(\d{3,9})\.0$"
_CANADIAN = r"^([A-Z]\d[A-Z])[\s-]?(\d[A-Z]\d)$"
# Nine postcodes in ten, which stay as they are: in the USA, and elsewhere but in Canada.
_PLAIN_ZIP = r"^[0-9]{5}$"
_PLAIN_ABROAD = r"^[A-Z]{0,2}[0-9][0-9A-Z]*(?: [0-9A-Z]+)?$"


def normalize_states(values: pl.Series, countries: pl.Series | str | None = None) -> pl.DataFrame:
    """Read US states: names, postal codes, AP abbreviations, ISO 3166-2.

    Blanks are null without an issue. What is no US state is kept as written, trimmed; that is an
    issue only where the row is known to be American. Rows of other countries are left alone.

    Args:
        values: The cells as text.
        countries: ISO 3166 alpha-2 by row, or one for all, or None: not known.

    Returns:
        Row for row ``value`` (two letters, or the text) and ``issue`` (``state_unknown``).
    """
    read = by_value(values, lambda texts: _read_codes(texts, _state_codes()))
    return read.with_columns(_as_country(countries)).select(
        value=pl.when(_may_be_us()).then(pl.coalesce("code", "text")).otherwise("text"),
        issue=pl.when(_is_us() & pl.col("code").is_null() & pl.col("text").is_not_null()).then(
            pl.lit("state_unknown")
        ),
    )


def normalize_countries(values: pl.Series) -> pl.DataFrame:
    """Read countries: ISO codes and names, common names, and the names in thirteen languages.

    Returns:
        Row for row ``value``, ISO 3166 alpha-2 (``XK`` for Kosovo, as everybody has it), null for
        blanks and for what is no country, and ``issue`` (``country_unknown``).
    """
    is_unknown = pl.col("code").is_null() & pl.col("text").is_not_null()
    return by_value(values, lambda texts: _read_codes(texts, _country_codes())).select(
        value="code", issue=pl.when(is_unknown).then(pl.lit("country_unknown"))
    )


def normalize_postcodes(
    values: pl.Series, countries: pl.Series | str | None = None
) -> pl.DataFrame:
    """Bring postcodes into one form, and give US ZIP codes back their leading zero.

    The zero is given back only in rows whose country is US: ``2139`` is a good Austrian or Danish
    postcode. ZIP+4 is written ``02139-1234``, Canadian codes ``K1A 0B1``. Codes of other and of
    unknown countries are kept, trimmed. Blanks are null without an issue.

    Args:
        values: The cells as text.
        countries: ISO 3166 alpha-2 by row, or one for all, or None: not known.

    Returns:
        Row for row ``value`` and ``issue``: ``postcode_zero_restored``, ``cell_decimal_tail``
        (``90210.0``), or ``postcode_unreadable`` for what is no postcode, which is kept as text.
    """
    frame = pl.DataFrame({"value": values.cast(pl.String)}).with_columns(_as_country(countries))
    is_odd = ~frame.select(_is_plain_postcode()).to_series()
    odd = _read_postcodes(frame.filter(is_odd).with_columns(_trimmed(pl.col("value"))))
    return pl.DataFrame(
        {
            "value": put(frame["value"], is_odd, odd["value"]),
            "issue": spread(odd["issue"], is_odd),
        }
    )


def _is_plain_postcode() -> pl.Expr:
    """Whether :func:`_read_postcodes` would leave a cell as it is, and have nothing to say."""
    text = pl.col("value")
    is_zip = text.str.contains(_PLAIN_ZIP) & (text >= _LOWEST_ZIP)
    is_elsewhere = (pl.col("country") != "CA").fill_null(True) & text.str.contains(_PLAIN_ABROAD)
    return text.is_null() | pl.when(_is_us()).then(is_zip).otherwise(is_elsewhere)


def _read_postcodes(frame: pl.DataFrame) -> pl.DataFrame:
    """``value`` and ``issue`` of trimmed cells beside their ``country``."""
    is_us, written = _is_us(), pl.col("value")
    has_tail = is_us & written.str.contains(_DECIMAL_TAIL)
    text = pl.when(has_tail).then(written.str.replace(_DECIMAL_TAIL, "${1}")).otherwise(written)
    short = text.str.replace_all("-", "", literal=True)
    restored = (
        pl.when(short.str.len_chars() <= 5).then(short.str.zfill(5)).otherwise(short.str.zfill(9))
    )
    is_short = is_us & text.str.contains(_SHORT_ZIP)
    zip_code = pl.when(is_short).then(restored).otherwise(text)
    plus_four = zip_code.str.extract(_ZIP, 2)
    american = zip_code.str.extract(_ZIP, 1) + pl.coalesce("-" + plus_four, pl.lit(""))
    canadian = text.str.to_uppercase()
    is_canadian = (pl.col("country") == "CA").fill_null(False) & canadian.str.contains(_CANADIAN)
    is_american = american >= _LOWEST_ZIP
    is_bad = pl.when(is_us).then(~is_american.fill_null(False)).otherwise(~text.str.contains(r"\d"))
    return frame.select(
        value=pl.when(is_us)
        .then(pl.when(is_american).then(american).otherwise(written))
        .when(is_canadian)
        .then(canadian.str.replace(_CANADIAN, "${1} ${2}"))
        .otherwise(text),
        issue=pl.when(is_bad & text.is_not_null())
        .then(pl.lit("postcode_unreadable"))
        .when(is_short)
        .then(pl.lit("postcode_zero_restored"))
        .when(has_tail)
        .then(pl.lit("cell_decimal_tail")),
    )


@cache
def _state_codes() -> pl.DataFrame:
    codes = {code: code for code in _POSTAL_STATES}
    codes |= {name: code for code, name in _POSTAL_STATES.items()} | _STATE_ALIASES
    for state in (*us.states.STATES_AND_TERRITORIES, us.states.DC):
        names = (state.abbr, state.name, state.ap_abbr, f"US-{state.abbr}")
        codes |= {name: state.abbr for name in names if name}
    return _table([(name, code) for name, code in codes.items()])


@cache
def _country_codes() -> pl.DataFrame:
    pairs = [("XK", "XK"), ("XKX", "XK"), *_COUNTRY_ALIASES.items()]
    translations = [
        gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language])
        for language in _LANGUAGES
    ]
    for country in pycountry.countries:
        names = {country.alpha_2, country.alpha_3, country.name}
        names |= {getattr(country, kind, "") for kind in ("common_name", "official_name")}
        names |= {each.gettext(name) for each in translations for name in names if len(name) > 3}
        pairs += [(name, country.alpha_2) for name in names]
    return _table(pairs)


def _table(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    """Folded name and code; names that fold to two codes are left out, codes themselves are not."""
    return (
        pl.DataFrame(pairs, ["name", "code"], orient="row")
        .with_columns(fold(pl.col("name")))
        .drop_nulls()
        .group_by("name")
        .agg(pl.col("code").unique())
        .filter(pl.col("code").list.len() == 1)
        .with_columns(pl.col("code").list.first())
        .sort("name")
    )


def _read_codes(values: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """Each cell's trimmed ``text``, and its ``code`` where the table has one."""
    return (
        pl.DataFrame({"text": values.cast(pl.String)})
        .with_columns(_trimmed(pl.col("text")))
        .with_columns(name=fold(pl.col("text")))
        .join(table, on="name", how="left", maintain_order="left")
        .select("text", "code")
    )


def _trimmed(cell: pl.Expr) -> pl.Expr:
    text = cell.str.strip_chars().str.replace_all(r"\s+", " ")
    return pl.when(text != "").then(text)


def _as_country(countries: pl.Series | str | None) -> pl.Expr:
    return pl.lit(countries, pl.String).alias("country")


def _is_us() -> pl.Expr:
    return (pl.col("country") == "US").fill_null(False)


def _may_be_us() -> pl.Expr:
    return (pl.col("country") == "US").fill_null(True)
