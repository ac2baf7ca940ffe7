"""Every issue and reject code, with its plain sentence."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["issue", "reject"]


@dataclass(frozen=True)
class Issue:
    """A stable code and what an analyst should understand by it.

    Attributes:
        code: The name that reports, tests and scripts use. Never changes its meaning.
        severity: ``issue``: the row survives, the cell is null. ``reject``: the row is not loaded.
        sentence: The plain sentence.
    """

    code: str
    severity: Severity
    sentence: str


ISSUES: dict[str, Issue] = {
    issue.code: issue
    for issue in (
        Issue("no_identity", "reject", "The row has no CRM id, phone or email that can be read."),
        Issue("too_many_fields", "reject", "The row has more cells than the header has columns."),
        Issue("too_few_fields", "reject", "The row has fewer cells than the header has columns."),
        Issue("unclosed_quote", "reject", "A quotation mark is opened and never closed."),
        Issue("undecodable_bytes", "reject", "The row holds bytes that are not valid text."),
        Issue("control_characters", "reject", "The row holds NUL or other control characters."),
        Issue("phone_invalid", "issue", "This is not a phone number that can exist."),
        Issue("phone_placeholder", "issue", "A made-up phone number stands in for a missing one."),
        Issue("email_invalid", "issue", "This is not an email address."),
        Issue("email_placeholder", "issue", "A made-up email address stands in for a missing one."),
        Issue("time_invalid", "issue", "This is not a date or time that can be read."),
        Issue("clock_in_future", "issue", "The row says it changed more than a day from now."),
        Issue(
            "claim_taken",
            "issue",
            "This phone, email or id already belongs to another person, so it was not moved.",
        ),
    )
}
