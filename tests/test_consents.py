"""Opt-outs as statements of their own."""

from datetime import UTC, datetime

import polars as pl
import pytest

from transforms.consents import list_opt_outs
from transforms.shapes import OPT_OUTS

CLOCK = datetime(2026, 1, 31, tzinfo=UTC)


def stated(**row: object) -> list[tuple[object, ...]]:
    """What one row states: kind, value, channel."""
    said = {
        "line_no": 2,
        "source_record_id": "7",
        "crm_id": None,
        "phones": [],
        "email_keys": [],
        "opt_outs": [],
        "clock": CLOCK,
        **row,
    }
    lists = dict.fromkeys(("phones", "email_keys", "opt_outs"), pl.List(pl.String))
    types = {"crm_id": pl.String, "clock": pl.Datetime("us", "UTC"), **lists}
    found = list_opt_outs(pl.DataFrame([said], schema_overrides=types), "hubspot")
    assert dict(found.schema) == OPT_OUTS
    assert set(found["line_no"]) <= {2}
    assert set(found["clock"]) <= {CLOCK}
    return sorted(found.select("kind", "value", "channel").rows())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"phones": ["+1"], "email_keys": ["a@b"], "crm_id": "C1"}, []),
        (
            {"opt_outs": ["email", "phone"], "phones": ["+1", "+2"], "email_keys": ["a@b"]},
            [
                ("email", "a@b", "email"),
                ("phone", "+1", "phone"),
                ("phone", "+2", "phone"),
                ("record", "7", "email"),
                ("record", "7", "phone"),
            ],
        ),
        (
            {"opt_outs": ["sms"], "phones": ["+1"], "crm_id": "C1"},
            [("hubspot", "C1", "sms"), ("phone", "+1", "sms")],
        ),
        ({"opt_outs": ["email"], "phones": ["+1"]}, [("record", "7", "email")]),
        ({"opt_outs": ["email"], "crm_id": "C" * 501}, [("record", "7", "email")]),
        ({"opt_outs": ["email"], "crm_id": "C" * 500}, [("hubspot", "C" * 500, "email")]),
        ({"opt_outs": ["email"], "source_record_id": "R" * 501}, []),
    ],
)
def test_an_opt_out_is_stated_on_each_value_and_on_the_person(
    row: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    """On phones or emails as the channel is, and on the CRM id, or else on the record. An id that
    no index can hold is no key."""
    assert stated(**row) == expected
