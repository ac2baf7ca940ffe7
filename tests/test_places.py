"""States, countries and postcodes."""

import polars as pl
import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.issues import ISSUES
from transforms.values import normalize_countries, normalize_postcodes, normalize_states


def column(*values: str | None) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


@pytest.mark.parametrize(
    ("text", "value", "issue"),
    [
        ("CA", "CA", None),
        (" ca ", "CA", None),
        ("Calif.", "CA", None),
        ("CALIFORNIA", "CA", None),
        ("N.Y.", "NY", None),
        ("new  york", "NY", None),
        ("US-TX", "TX", None),
        ("W.Va.", "WV", None),
        ("Washington, D.C.", "DC", None),
        ("District of Columbia", "DC", None),
        ("Puerto Rico", "PR", None),
        ("AE", "AE", None),
        ("Ontario", "Ontario", "state_unknown"),
        ("ee", "ee", "state_unknown"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_states(text: str | None, value: str | None, issue: str | None) -> None:
    """A US state becomes its postal code; anything else stays as written, with an issue."""
    assert normalize_states(column(text), "US").row(0) == (value, issue)


def test_states_of_other_countries_are_left_alone() -> None:
    """Only American rows are read as American; of an unknown country nothing is an issue."""
    states = column("WA", "California", "Ontario", "California", "Ontario")
    countries = column("AU", "MX", "CA", None, None)
    read = normalize_states(states, countries)
    assert read["value"].to_list() == ["WA", "California", "Ontario", "CA", "Ontario"]
    assert read["issue"].is_null().all()


@pytest.mark.parametrize(
    ("text", "value", "issue"),
    [
        ("US", "US", None),
        ("usa", "US", None),
        ("U.S.A.", "US", None),
        ("United States of America", "US", None),
        ("Deutschland", "DE", None),
        ("ESPAÑA", "ES", None),
        ("Espana", "ES", None),
        ("Cote d’Ivoire", "CI", None),
        ("UK", "GB", None),
        ("England", "GB", None),
        ("Viet Nam", "VN", None),
        ("Vietnam", "VN", None),
        ("Korea, Republic of", "KR", None),
        ("South Korea", "KR", None),
        ("Kosovo", "XK", None),
        ("MEX", "MX", None),
        ("Narnia", None, "country_unknown"),
        ("U", None, "country_unknown"),
        ("-", None, "country_unknown"),
        (" ", None, None),
        (None, None, None),
    ],
)
def test_countries(text: str | None, value: str | None, issue: str | None) -> None:
    """A country is its ISO code, however it is named; what is none is null with an issue."""
    assert normalize_countries(column(text)).row(0) == (value, issue)


def test_every_iso_country_is_read() -> None:
    """Each country of ISO 3166 is found by both codes and by its English name."""
    for kind in ("alpha_2", "alpha_3", "name"):
        names = [getattr(country, kind) for country in pycountry.countries]
        codes = [country.alpha_2 for country in pycountry.countries]
        assert normalize_countries(column(*names))["value"].to_list() == codes


@pytest.mark.parametrize(
    ("text", "country", "value", "issue"),
    [
        ("02139", "US", "02139", None),
        ("2139", "US", "02139", "postcode_zero_restored"),
        ("501", "US", "00501", "postcode_zero_restored"),
        ("02139-1234", "US", "02139-1234", None),
        ("02139 1234", "US", "02139-1234", None),
        ("021391234", "US", "02139-1234", None),
        ("21391234", "US", "02139-1234", "postcode_zero_restored"),
        ("2139-1234", "US", "02139-1234", "postcode_zero_restored"),
        ("6011234", "US", "00601-1234", "postcode_zero_restored"),
        ("90210.0", "US", "90210", "cell_decimal_tail"),
        ("2139.0", "US", "02139", "postcode_zero_restored"),
        ("2139", "AT", "2139", None),
        ("2139", None, "2139", None),
        ("ee", "US", "ee", "postcode_unreadable"),
        ("ee", None, "ee", "postcode_unreadable"),
        ("12", "US", "12", "postcode_unreadable"),
        ("123456", "US", "123456", "postcode_unreadable"),
        ("00000", "US", "00000", "postcode_unreadable"),
        ("012", "US", "012", "postcode_unreadable"),
        ("SW1A 1AA", "GB", "SW1A 1AA", None),
        ("k1a0b1", "CA", "K1A 0B1", None),
        (" 40123 ", "ID", "40123", None),
        ("", "US", None, None),
        (None, "US", None, None),
    ],
)
def test_postcodes(
    text: str | None, country: str | None, value: str | None, issue: str | None
) -> None:
    """A leading zero comes back only where the country makes it certain; damage stays as text."""
    assert normalize_postcodes(column(text), column(country)).row(0) == (value, issue)
    assert normalize_postcodes(column(text), country).row(0) == (value, issue)
    assert issue is None or issue in ISSUES


PLACES = st.lists(
    st.one_of(
        st.text(st.sampled_from("0123456789-. abCAeńÉ'"), max_size=11),
        st.sampled_from(["Calif.", "Texas", "DC", "México", "k1a 0b1", "90210.0", "Deutschland"]),
    ),
    max_size=20,
)


@given(PLACES, st.sampled_from([None, "US", "CA", "DE"]))
@settings(max_examples=150, deadline=None)
def test_idempotence(texts: list[str], country: str | None) -> None:
    """A code is its own code."""
    cells = column(*texts)
    states = normalize_states(cells, country)["value"]
    assert normalize_states(states, country)["value"].to_list() == states.to_list()
    postcodes = normalize_postcodes(cells, country)["value"]
    assert normalize_postcodes(postcodes, country)["value"].to_list() == postcodes.to_list()
    countries = normalize_countries(cells)["value"]
    assert normalize_countries(countries)["value"].to_list() == countries.to_list()


@pytest.mark.parametrize("texts", [[], [None], ["x"], ["02139"]])
def test_columns_never_differ(texts: list[str | None]) -> None:
    """The schema is the same for an empty, a blank and a damaged column."""
    for read in (
        normalize_states(column(*texts), "US"),
        normalize_countries(column(*texts)),
        normalize_postcodes(column(*texts), column(*texts)),
    ):
        assert read.schema == {"value": pl.String, "issue": pl.String}
        assert read.height == len(texts)
