"""Every issue and reject code, with its plain sentence."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["issue", "reject"]


@dataclass(frozen=True)
class Issue:
    """A stable code and what an analyst should understand by it.

    Attributes:
        code: The name that reports, tests and scripts use. Never changes its meaning.
        severity: ``issue``: a cell is not as it should be, its row is loaded. ``reject``: the
            row is not loaded.
        sentence: The plain sentence.
    """

    code: str
    severity: Severity
    sentence: str


# Why a record is not loaded.
_ROWS = {
    "no_identity": "The row has no CRM id, phone or email that can be read.",
    "id_too_long": "The row's id is longer than 500 bytes, so it is hardly an id.",
    "person_unknown": (
        "Nobody is known by this row's phone, email or id, and the team's policy creates none."
    ),
    "erased": (
        "The row is about somebody who was erased, so it is not loaded and its text is not kept."
    ),
    "column_missing": "A column that every such row needs is empty or could not be read.",
    "not_loaded": "Rows of this kind are history and are not loaded.",
    "reference_unknown": "What this row belongs to is not known.",
    "key_taken": "A row of this id is there already and cannot be changed from here.",
    "test_row": "The row is one of the provider's test leads.",
    "too_many_fields": "The record has more filled fields than the header.",
    "too_few_fields": "The record has fewer fields than the header.",
    "unclosed_quote": "A quote is opened and never closed.",
    "stray_quote": "A quote stands where none can: quoting cannot be trusted.",
    "nul_byte": "The record contains a NUL byte.",
    "control_characters": "The record contains control characters.",
    "lone_cr": "A carriage return without a line feed stands inside a field.",
    "undecodable_bytes": "The record has bytes that its encoding cannot have.",
    "not_a_record": "A total, a footer or a repeated header, not a record.",
    "broken_json": "The record is not valid JSON.",
    "not_an_object": "The record is JSON, but not an object with named fields.",
}
# What an import could not do with what a row says.
_PEOPLE = {
    "claim_taken": (
        "This phone, email or id already belongs to another person, so it was not moved."
    ),
    "clock_in_future": (
        "The row gives a time more than a day from now for what has happened, so that time counts"
        " as none."
    ),
    "consent_unknown": "This word for consent is not known, so it counts as opted out.",
}
# Cells that a spreadsheet, an export or a wrong encoding has damaged.
_CELLS = {
    "mojibake": "The text was probably decoded with a wrong encoding; it is kept.",
    "mojibake_mended": "The text was decoded twice; it has been mended.",
    "replacement_character": "The sender had lost characters here; cell emptied.",
    "swallowed_lines": "A quoted cell spans lines that look like records.",
    "cell_scientific": (
        "Excel has rounded this number (like 6.28E+10); the lost digits cannot be recovered, "
        "so the cell was left empty."
    ),
    "cell_scientific_expanded": (
        "The number stood in scientific notation with every digit present, and was written "
        "out in full."
    ),
    "cell_decimal_tail": "A '.0' that a spreadsheet had put behind the number was taken away.",
    "cell_excel_text": (
        'The spreadsheet wrapping around the value (="..." or a leading apostrophe) was taken away.'
    ),
    "cell_excel_error": (
        "The cell holds a spreadsheet error (like #REF!) instead of a value, and was left empty."
    ),
    "cell_formula": (
        "The cell looks like a spreadsheet formula; it was kept as plain text and is never run."
    ),
}
# Phones: without a number at first, then those that were repaired.
_PHONES = {
    "phone_not_a_number": "The cell holds no phone number.",
    "phone_no_country": (
        "The number is written without a country code, and neither its row nor its feed or "
        "team names a country."
    ),
    "phone_unknown_country_code": "No country has the country code as written.",
    "phone_too_short": "The number has too few digits for its country.",
    "phone_too_long": "The number has too many digits for its country.",
    "phone_no_area_code": "The number is a local one, without its area code.",
    "phone_invalid": "The number has a possible length, but its country gives out none such.",
    "phone_placeholder": (
        "The number is a filler such as 0000000000 or 1234567890, not somebody's phone."
    ),
    "phone_scientific": (
        "A spreadsheet has rounded the number (6.28E+10), and its digits are lost; export the"
        " column as text."
    ),
    "phone_characters": (
        "Quotes, invisible characters or digits of another script were read as plain ones."
    ),
    "phone_decimal_tail": "A spreadsheet's '.0' behind the number was dropped.",
    "phone_scientific_exact": (
        "The number was in scientific notation that holds every digit, and was written out."
    ),
    "phone_label_dropped": "Words behind the number were dropped.",
    "phone_international_prefix": (
        "The number begins with 00 or 011 as dialled from another country; it was read as a plus."
    ),
    "phone_country_code_bare": (
        "The number begins with the country code of its row without a plus, and was read so."
    ),
    "phone_retired_prefix": "A prefix that is no longer dialled was dropped (+52 1).",
    "phone_area_code_added": "The area code was taken from another column.",
    "phone_several_numbers": "The cell holds more than one number; all were read.",
}
# Emails.
_EMAILS = {
    "email_invalid": "This is not an email address, so the field was left empty.",
    "email_partly_invalid": (
        "The cell holds a readable email address and something else that could not be read as one."
    ),
    "email_placeholder": ("The address is a stand-in (like test@test.com), so it was left out."),
    "email_domain_typo": (
        "The domain looks misspelt; the address is kept as written, with a suggestion beside it."
    ),
    "email_disposable": (
        "The address belongs to a throw-away mail service, which this import does not accept;"
        " the field was left empty."
    ),
}
# Names; all but a placeholder are kept as written.
_NAMES = {
    "name_placeholder": "The name is a stand-in (like 'Unknown'), so the field was left empty.",
    "name_unreadable": "The name holds no letters, so the field was left empty.",
    "name_has_digits": "The name holds digits or an address; it was kept as written.",
    "name_is_business": "The name looks like a company's; it was kept as written and not split.",
    "name_several_people": (
        "The name looks like that of two people; it was kept as written and not split."
    ),
    "name_unsplit": "The full name could not be split with certainty; it was kept as written.",
}
# Times, flags, places and money.
_VALUES = {
    "time_unreadable": "This could not be read as a date or time, so the field was left empty.",
    "time_ambiguous": (
        "Day and month could be either way round and the file does not tell; name the order "
        "in the contract. The field was left empty."
    ),
    "time_out_of_range": "The date lies before 1900 or after 2199, so the field was left empty.",
    "time_clock_skipped": (
        "This local time never was: the clocks went forward over it. The field was left empty."
    ),
    "time_clock_repeated": (
        "This local time came twice, when the clocks went back; the earlier one was taken."
    ),
    "flag_unknown": (
        "This is neither a yes nor a no that the contract knows, so the field was left empty."
    ),
    "reference_dropped": "What this cell names is not known, so the field was left empty.",
    "word_unknown": (
        "This is none of the words that the column may hold, so the field was left empty."
    ),
    "number_unreadable": "This could not be read as one number, so the field was left empty.",
    "json_unreadable": "This is no JSON that can be stored, so the field was left empty.",
    "state_unknown": "This is no US state that we know; it was kept as written.",
    "country_unknown": "This is no country that we know, so the field was left empty.",
    "postcode_unreadable": "This is no postcode; it was kept as written.",
    "postcode_zero_restored": (
        "A spreadsheet had taken the leading zero of the US ZIP code; it was given back."
    ),
    "money_unreadable": "This could not be read as one amount, so the field was left empty.",
    "money_ambiguous": (
        "The separator could mean thousands or decimals; name the decimal sign in the "
        "contract. The field was left empty."
    ),
    "money_currency_unknown": "The amount was read, but not its currency.",
}

ISSUES: dict[str, Issue] = {
    **{code: Issue(code, "reject", sentence) for code, sentence in _ROWS.items()},
    **{
        code: Issue(code, "issue", sentence)
        for group in (_PEOPLE, _CELLS, _PHONES, _EMAILS, _NAMES, _VALUES)
        for code, sentence in group.items()
    },
}
"""By code."""
