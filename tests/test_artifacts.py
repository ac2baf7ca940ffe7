"""The report of an import, as Prefect shows it."""

from dataclasses import replace

import psycopg
import pytest

from flows import artifacts, held
from flows.held import Decision
from flows.jobs import Outcome
from flows.settings import Settings
from tests.conftest import Import
from tests.test_held import TEXT

FIRST = (
    "name,phone,email\nAnn Smith,+14155552671,ann@example.com\nZed Poe,12,\nMax Poe,13,\nTotal,,\n"
)
SECOND = (
    "name,phone,email\n"
    "Ann Smithson,+14155552671,ann.smithson@example.com\n"
    "Eve|Evil <b>,+14155552672,eve@example.com\n"
)


def page(outcome: Outcome, settings: Settings) -> str:
    return artifacts.page(outcome, artifacts.find_out(outcome, settings), settings)


def test_a_report_reads_like_one(settings: Settings, import_text: Import) -> None:
    """A sentence, pictures, counts, reasons with an example each, and where to look further."""
    outcome = import_text(FIRST)
    told = page(outcome, settings)
    lines = told.splitlines()
    assert lines[0] == "# list.csv into acme"
    assert lines[2] == "**Done: 4 rows: 1 new, 0 changed, 3 rejected.**"
    assert told.count("](data:image/svg+xml;base64,") == 2
    assert "| **all** | 4 |" in lines
    assert "| new person | 1 |" in lines
    assert (
        "| 2 | The row has no CRM id, phone or email that can be read. | 3 | Xxx Xxx,99, |" in lines
    )
    address = f"http://127.0.0.1:4201/rejects/{outcome.import_id}.csv"
    assert f"[The rejected rows as CSV]({address})" in told
    assert f"leadfold rejects {outcome.import_id}" in lines


@pytest.mark.parametrize("is_dry_run", [False, True])
def test_it_shows_what_changes_of_people(
    settings: Settings, import_text: Import, is_dry_run: bool
) -> None:
    """Before and after; whose it is can be seen only where that is wanted."""
    import_text(FIRST, name="first.csv")
    outcome = import_text(SECOND, name="second.csv", is_dry_run=is_dry_run)
    told = page(outcome, settings)
    assert f"## People who {'would change' if is_dry_run else 'changed'}: 1" in told
    row = next(line for line in told.splitlines() if " | email | " in line)
    assert r"| a\*\*\*@example.com | a\*\*\*@example.com | generic |" in row
    assert not any(word in told for word in ("Smith", "ann@", "4155552671"))
    shown = page(outcome, replace(settings, shows_contacts=True))
    assert "| ann@example.com | ann.smithson@example.com | generic |" in shown
    assert "Ann Smithson" in shown


def test_what_comes_from_outside_is_no_markup(settings: Settings, import_text: Import) -> None:
    """A name in a file neither breaks the table nor becomes a link or an image."""
    bad = "name,phone\nAnn,+14155552671\n" + '"![x](http://evil) | <b>_a_</b> `c`",12\n'
    outcome = import_text(bad, name="[a](http:b).csv")
    told = page(outcome, replace(settings, shows_contacts=True))
    assert told.startswith(r"# \[a\]\(http:b\).csv into acme")
    assert r"\!\[x\]\(http://evil\) \| \<b\>\_a\_\</b\> \`c\`" in told


def test_a_held_import_says_what_can_be_done(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """Why it is held, what the code means, how to decide; later who has decided what."""
    outcome = import_text(TEXT)
    told = page(outcome, settings)
    assert "**Held: list.csv: 14% of its rows cannot be loaded" in told
    assert "- `no_identity`: The row has no CRM id, phone or email" in told
    assert f"leadfold decide {outcome.import_id} --apply --by NAME" in told
    assert "| not decided yet |  |" in told
    done = held.decide(outcome.import_id, Decision("apply", "eve"), settings)
    assert "| apply it anyway | eve |" in page(done, settings)


def test_a_header_that_is_somebody_is_hidden(settings: Settings, import_text: Import) -> None:
    """A sentence that quotes the file quotes nobody, in a page, a state or a log."""
    outcome = import_text("Zyx,Plugh\n" + "Ann,Poe\n" * 3, name="headless.csv")
    assert (outcome.status, "'Zyx', 'Plugh'" in outcome.reason) == ("held", True)
    told = page(outcome, settings)
    assert ("Zyx" in told, "Plugh" in told, "'Xxx', 'Xxxxx'" in told) == (False, False, True)


def test_a_dry_run_tells_that_the_file_would_be_held(
    settings: Settings, import_text: Import
) -> None:
    """Beside the counts that it would have; nothing can be looked up of it later."""
    told = page(import_text(TEXT, is_dry_run=True), settings)
    assert "10 rejected. An import of it would be held: 14% of its rows cannot be" in told
    assert "A dry run: nothing was written." in told
    assert "| 10 | The row has no CRM id, phone or email that can be read. | 62 | Xxx9,99 |" in told
    assert "leadfold show" not in told
