"""Files that come again when the rules are others: what is read anew replaces what was read."""

import psycopg
import pytest

from flows import ledger, report
from tests.conftest import Import, snapshot
from tests.test_importing import rows
from tests.test_report import shown

NUMBER = "020 7946 0123"
READ = {"US": [], "GB": ["+442079460123"], "IN": ["+912079460123"]}
"""A number without '+' is another one in each region: the region is one of the rules."""


def cause(connection: psycopg.Connection, import_id: str) -> str:
    return ledger.find_import(connection, import_id).cause


def move(connection: psycopg.Connection, region: str) -> None:
    connection.execute("UPDATE teams SET region = %s", [region])


def test_the_ledger_tells_that_the_rules_caused_a_change(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The same file again, read by other rules than the last of its logical file; else the file."""
    text = f"id,phone,email\n1,{NUMBER},a@example.com\n"
    assert cause(connection, import_text(text).import_id) == "file"
    assert cause(connection, import_text(text).import_id) == "file"
    move(connection, "GB")
    # Another file of that name is not caused by the rules, though it too is read by them.
    outcome = import_text(text + "2,,b@example.com\n")
    assert (outcome.counts.updated, cause(connection, outcome.import_id)) == (1, "file")
    assert cause(connection, import_text(text).import_id) == "file"
    move(connection, "IN")
    outcome = import_text(text)
    assert (outcome.counts.updated, cause(connection, outcome.import_id)) == (1, "rules")
    entry = ledger.find_import(connection, outcome.import_id)
    assert "cause: rules: the file was imported before" in shown(*report.entry_lines(entry))
    before = snapshot(connection)
    outcome = import_text(text)
    assert (outcome.counts.unchanged, cause(connection, outcome.import_id)) == (1, "file")
    assert snapshot(connection) == before


def test_other_rules_that_read_the_same_write_nothing(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row is read anew, and only leads whose content differs are written."""
    text = "id,phone,email,updated_at\n1,+14155552671,,2026-01-01\n2,,b@example.com,\n"
    import_text(text)
    before = snapshot(connection)
    monkeypatch.setattr("transforms.normalize.RULES_VERSION", 1_000_000)
    outcome = import_text(text)
    assert outcome.counts.unchanged == 2
    assert snapshot(connection) == before
    assert cause(connection, outcome.import_id) == "rules"


def test_a_file_that_was_not_done_does_not_count_as_imported(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A dry run and a failed import leave no rules behind."""
    text = f"id,phone,email\n1,{NUMBER},a@example.com\n"
    import_text("id,email\n9,z@example.com\n")
    import_text(text, is_dry_run=True)
    failed = import_text(text)
    connection.execute(
        "UPDATE imports SET status = 'failed' WHERE import_id = %s", [failed.import_id]
    )
    move(connection, "GB")
    assert cause(connection, import_text(text).import_id) == "file"


@pytest.mark.parametrize("clock", ["", "2026-01-01"])
def test_a_record_that_was_stated_once_is_replaced(
    connection: psycopg.Connection, import_text: Import, clock: str
) -> None:
    """A value that the new rules read differently wins, greater or smaller, of the same clock."""
    text = f"id,phone,email,updated_at\n1,{NUMBER},a@example.com,{clock}\n"
    import_text(text)
    for region in ("GB", "IN", "GB", "US"):
        move(connection, region)
        outcome = import_text(text)
        assert outcome.counts.updated == 1
        assert rows(connection, "SELECT phones FROM leads") == [{"phones": READ[region]}], region


@pytest.mark.parametrize("other", ["city", "phone"])
@pytest.mark.parametrize("regions", [("GB", "IN", "GB"), ("GB", "US", "IN"), ("IN", "GB")])
def test_of_several_statements_only_the_same_one_is_replaced(
    connection: psycopg.Connection,
    import_text: Import,
    monkeypatch: pytest.MonkeyPatch,
    other: str,
    regions: tuple[str, ...],
) -> None:
    """The others still hold, by their clocks; also when the rules change a second and third time.

    Each reading is kept as a version of its own; the earlier ones of the same text count no more.
    """
    first = f"id,phone,email,city,updated_at\n1,{NUMBER},a@example.com,Rome,2026-01-01\n"
    second = {
        "city": "id,email,city,updated_at\n1,b@example.com,Ulm,2026-02-01\n",
        "phone": "id,email,city,phone,updated_at\n1,b@example.com,Ulm,+14155552671,2026-02-01\n",
    }[other]
    move(connection, regions[0])
    import_text(first)
    import_text(second)
    for region in regions[1:]:
        move(connection, region)
        import_text(first)
        # A later import by the same rules takes nothing back.
        for text in (second, first):
            import_text(text)
            phones = READ[region] if other == "city" else ["+14155552671"]
            assert rows(connection, "SELECT phones, emails, city FROM leads") == [
                {"phones": phones, "emails": ["b@example.com"], "city": "Ulm"}
            ]
    # The rules change once more, and only the second file comes again.
    monkeypatch.setattr("transforms.normalize.RULES_VERSION", 1_000_000)
    import_text(second)
    phones = READ[regions[-1]] if other == "city" else ["+14155552671"]
    assert rows(connection, "SELECT phones FROM leads") == [{"phones": phones}]


def test_other_rules_do_not_bring_back_what_a_newer_statement_replaced(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Without clocks, too: the file that comes again is then the last that landed, whole."""
    first = f"id,phone,email,city\n1,{NUMBER},a@example.com,Rome\n"
    second = "id,email,first_name\n1,b@example.com,Ann\n"
    import_text(first)
    import_text(second)
    move(connection, "GB")
    import_text(second)
    assert rows(connection, "SELECT phones, emails, city, first_name FROM leads") == [
        {"phones": [], "emails": ["b@example.com"], "city": "Rome", "first_name": "Ann"}
    ]
    import_text(first)
    assert rows(connection, "SELECT phones, emails, city, first_name FROM leads") == [
        {"phones": READ["GB"], "emails": ["a@example.com"], "city": "Rome", "first_name": "Ann"}
    ]
