"""What is left of personal data for those who need its form only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.masks import (
    mask_email,
    mask_field,
    mask_name,
    mask_phone,
    mask_sentence,
    mask_shape,
)


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+14155552671", "+1 415 *** **71"),
        ("+4917012345678", "+4917*******78"),
        ("(415) 555-2671", "(415) ***-**71"),
        ("1234567", "*******"),
        ("12345", "*****"),
        ("", ""),
    ],
)
def test_a_phone_keeps_where_it_is_from_and_its_end(phone: str, masked: str) -> None:
    """So that somebody who knows it knows it again; of a short one nothing is left."""
    assert mask_phone(phone) == masked


@given(st.text("0123456789 +-()", max_size=20))
def test_of_a_phone_five_digits_are_never_shown(phone: str) -> None:
    """Or all of them, where it has fewer."""
    digits = sum(map(str.isdigit, phone))
    assert mask_phone(phone).count("*") >= min(digits, 5)


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("ann@example.com", "a***@example.com"),
        ("a@b@example.com", "a***@example.com"),
        ("Ann Smith", "Xxx Xxxxx"),
        ("@example.com", "@xxxxxxx.xxx"),
    ],
)
def test_an_email_keeps_its_domain(email: str, masked: str) -> None:
    """What is none keeps its form alone."""
    assert mask_email(email) == masked


def test_names_and_other_fields() -> None:
    """A name keeps its initials, a country is nobody's."""
    assert mask_name("Ann-Marie O'Neil 3rd") == "A**-M**** O'N*** *r*"
    assert mask_field("first_name", "Ann") == "A**"
    assert mask_field("phone", "+14155552671") == "+1 415 *** **71"
    assert mask_field("email", "ann@x.example") == "a***@x.example"
    assert mask_field("country", "US") == "US"


@given(st.text(max_size=40))
def test_of_a_row_only_its_form_is_left(text: str) -> None:
    """No letter but x, no digit but 9, whatever the script."""
    for character in mask_shape(text):
        assert character in "xX9" or not character.isalnum()


@pytest.mark.parametrize(
    ("sentence", "masked"),
    [
        (
            "missing column 'Record ID'. The file has 'Ann', 'O Neil', 'ann@x.example'",
            "missing column 'Record ID'. The file has 'Xxx', 'X Xxxx', 'x***@x.xxxxxxx'",
        ),
        ("call +1 415 555 2671 or (415) 555-2671.", "call +1 415 *** **71 or (415) ***-**71."),
        ("list 2026-02-11 and 20260211: 1,000,000 rows", None),
        ("import_01M7ZRNFABA70RHS5Z77RB44HX: 10 of 70", None),
    ],
)
def test_a_sentence_quotes_nobody(sentence: str, masked: str | None) -> None:
    """Headers that are known stay, and so do dates, counts and ids."""
    assert mask_sentence(sentence, {"record", "id"}) == (masked or sentence)


KNOWN = frozenset({"phone", "name", "record", "id", "first", "street"})
ID = "import_01KAB1234567CDEFGH89JKMNPQ"


@pytest.mark.parametrize(
    "phone",
    [
        *("+14155552671", "415-555-2671", "(415) 555-2671", "+49 (0) 151 234 567 89"),
        *("415\u2013555\u20132671", "415\u00a0555\u00a02671", "415 - 555 - 2671"),
        *("4155552671x22", "p4155552671", "call-415-555-2671", "tel:+14155552671;ext=2"),
    ],
)
def test_a_phone_is_hidden_however_it_is_written(phone: str) -> None:
    """Other dashes and spaces, an extension, letters before it: it is a phone all the same."""
    told = mask_sentence(f"line 5: {phone}, and so on", KNOWN)
    assert "2671" not in told
    assert "567 89" not in told


@pytest.mark.parametrize(
    ("told", "hidden"),
    [
        ("The file has 'Record ID', 'Phone 2'.", "The file has 'Record ID', 'Phone 2'."),
        ("It has 'Ann Lee', 'Record Key'.", "It has 'Xxx Xxx', 'Record Xxx'."),
        ("It has '12 Main Street', 'Ann First'.", "It has '12 Xxxx Street', 'Xxx First'."),
        (
            "It has 'Pat O'Brien', 'Ann Lee' and 2 more.",
            "It has 'Xxx X'Xxxxx', 'Xxx Xxx' and 2 more.",
        ),
        ("It has 'Lee'', 'Ann', 'Bob'.", "It has 'Xxx'', 'Xxx', 'Xxx'."),
        ("It has 'Ann\nLee', 'Bob'.", "It has 'Xxx\nXxx', 'Xxx'."),
        ("A fault of Leadfold's: KeyError.", "A fault of Leadfold's: KeyError."),
        (f"leadfold decide {ID} --apply", f"leadfold decide {ID} --apply"),
        (
            "crm_20260211.csv, 2026-02-11: 1,234,567 rows",
            "crm_20260211.csv, 2026-02-11: 1,234,567 rows",
        ),
    ],
)
def test_of_a_quoted_text_known_words_are_left(told: str, hidden: str) -> None:
    """A name with an apostrophe does not show those behind it, nor a street that is a header."""
    assert mask_sentence(told, KNOWN) == hidden
