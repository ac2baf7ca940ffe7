"""What an analyst does in the Prefect UI of a running Leadfold, in a real browser."""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from flows import ledger, teams, warehouse
from flows.ledger import Import
from flows.settings import Settings
from tests.analyst import Analyst, at_work, has_chromium
from tests.running import Running, await_

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
GOOD = "".join(f"Ann,+1415555{2000 + n}\n" for n in range(60))
BAD = "first_name,phone\n" + GOOD + "".join(f"Bad{n},12\n" for n in range(10))
# `make docs` sets it; pictures of the pages then go there.
PICTURES = os.environ.get("LEADFOLD_PICTURES")

# People that no log, state, name or page of Prefect may mention.
NAMES = ("Zyxwvuta", "Plughberta", "Quuxandra")
PHONES = ("4155550143", "415-555-0143")
EMAILS = ("zyxwvuta.q@example.com", "plughberta@example.com")


@pytest.fixture(scope="module")
def up() -> Iterator[Running]:
    """A running Leadfold with team 'acme', for all tests of this file."""
    # The pictures show where the inbox is, so the place has a short name.
    place = tempfile.TemporaryDirectory(prefix="leadfold_")
    home = Path(place.name) / "data"
    running = Running(home)
    with closing(warehouse.connect(Settings(home))) as connection:
        teams.add_team(connection, "acme")
    try:
        yield running.start()
    finally:
        running.kill_all()
        place.cleanup()


@pytest.fixture(scope="module")
def analyst(up: Running) -> Iterator[Analyst]:
    """Somebody with a browser."""
    if not has_chromium():
        pytest.skip("There is no /usr/bin/chromium; as root: apt-get install chromium")
    pictures = Path(PICTURES) if PICTURES else None
    with at_work(f"http://127.0.0.1:{up.port}/v2", pictures) as analyst:
        yield analyst


def entry_of(up: Running, file_name: str) -> Import:
    """The newest import of a file, as the ledger has it."""
    with warehouse.connected(Settings(up.home)) as connection:
        return next(e for e in ledger.list_imports(connection) if e.file_name == file_name)


def put_into_inbox(up: Running, name: str, text: str) -> None:
    """Put a file where the form finds it, and wait until it does."""
    folder = up.home / "inbox" / "acme"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")

    def is_listed() -> bool:
        found = up.ask("GET", "/deployments/name/import-file/import-file")
        fields = found["parameter_openapi_schema"]["properties"]
        return f"acme/{name}" in fields["file"].get("enum", ())

    await_(is_listed, f"{name} in the form")


def tables_of(analyst: Analyst) -> dict[str, str]:
    """First cell -> second cell of each row of the tables that are shown, once there are some.

    The page draws itself anew while it loads, and shows none for a moment.
    """

    def read() -> dict[str, str]:
        texts = analyst.page.locator("table").all_inner_texts()
        cells = [row.split("\t") for text in texts for row in text.split("\n")]
        return {row[0]: row[1] for row in cells if len(row) > 1}

    return await_(read, "a table on the page")


def test_an_analyst_imports_a_sample_by_the_form(up: Running, analyst: Analyst) -> None:
    """The form offers what there is, the report tells what the ledger holds, the file moves on."""
    put_into_inbox(up, "leads_0211.csv", (SAMPLES / "hubspot_contacts.csv").read_text())
    analyst.open_form()
    analyst.choose("Team", "acme")
    analyst.choose("Source", "auto")
    analyst.choose("File", "acme/leads_0211.csv")
    analyst.write("Your name", "Ada")
    analyst.picture("form")
    analyst.submit()
    analyst.await_state("Completed")
    entry = entry_of(up, "leads_0211.csv")
    assert (entry.status, entry.source, entry.started_by) == ("done", "hubspot", "Ada")
    analyst.open_report()
    analyst.picture("report")
    told = tables_of(analyst)
    counts = entry.counts._asdict()
    for label, count in {"all": counts.pop("landed"), "new": counts.pop("inserted")}.items():
        assert told[label] == f"{count:,}"
    assert told["rejected"] == f"{counts['rejected']:,}" != "0"
    assert told["new person"] == f"{entry.match['new']:,}"
    images = analyst.page.locator("main img")
    expect(images).to_have_count(2)
    for each in images.all():
        expect(each).not_to_have_js_property("naturalWidth", 0)
    link = analyst.page.get_by_role("link", name="The rejected rows as CSV")
    answer = httpx.get(str(link.get_attribute("href")))
    assert answer.text.count(f"\r\n{entry.import_id}") == counts["rejected"]
    assert not (up.home / "inbox" / "acme" / "leads_0211.csv").exists()
    assert (up.home / "archive" / "acme" / "leads_0211.csv").exists()


def test_a_dropped_file_is_held_and_an_analyst_decides(up: Running, analyst: Analyst) -> None:
    """The held run outlives a restart of everything; its form applies the file, under a name."""
    folder = up.home / "drop" / "acme" / "generic"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list_0211.csv").write_text(BAD)
    await_(lambda: _waiting(up), "a run that waits")
    up.stop()
    up.start()
    analyst.open_run("acme/generic list_0211.csv: decide")
    analyst.await_state("Held")
    analyst.await_log("14% of its rows cannot be loaded (10 of 70), the limit is 5%")
    analyst.picture("held")
    analyst.resume()
    analyst.choose("What to do", "Apply it anyway")
    analyst.write("Your name", "Eve")
    analyst.picture("decision")
    analyst.confirm()
    analyst.await_state("Completed")
    entry = entry_of(up, "list_0211.csv")
    assert (entry.status, entry.rows_inserted, entry.rows_rejected) == ("done", 60, 10)
    (hold,) = entry.holds
    assert (hold["code"], hold["decision"], hold["decided_by"]) == (
        "too_many_rejects",
        "apply",
        "Eve",
    )


def _waiting(up: Running) -> list[dict[str, Any]]:
    paused = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
    found: list[dict[str, Any]] = up.ask("POST", "/flow_runs/filter", paused)
    return found


def test_prefect_knows_nobody(up: Running) -> None:
    """Nor people who were rejected or held, nor a row that stands where a header should."""
    person = "Zyxwvuta Quuxandra,415-555-0143,zyxwvuta.q@example.com\n"
    rejected = "Plughberta,12,plughberta@\nPlughberta Zyxwvuta,415-555-018,\n"
    header = "name,phone,email\n"
    files = {
        "done.csv": header + person + rejected,
        "changed.csv": header + person.replace("Quuxandra", "Plughberta"),
        "held.csv": header + person + rejected * 6,
        "headless.csv": "Zyxwvuta,Quuxandra\n" + "Plughberta,Quuxandra\n" * 3,
    }
    for name, text in files.items():
        put_into_inbox(up, name, text)
    runs = {name: _import(up, name, "generic") for name in files}
    for name, run in runs.items():
        up.await_state(run, "PAUSED" if name in ("held.csv", "headless.csv") else "COMPLETED")
    told = _all_that_prefect_knows(up)
    assert "held.csv" in told
    for secret in (*NAMES, *PHONES, *EMAILS):
        assert secret.lower() not in told, secret


def _import(up: Running, name: str, source: str) -> str:
    """Start ``import-file`` as the form does; gives the run."""
    form = {"team": "acme", "source": source, "file": f"acme/{name}"}
    return up.begin_run("import-file", form)


def _all_that_prefect_knows(up: Running) -> str:
    """Logs, runs, states, forms, events and artifacts, with what their pictures say."""
    parts: list[str] = []
    for kind in ("logs", "flow_runs", "task_runs", "artifacts"):
        for offset in range(0, 10_000, 200):
            page = up.ask("POST", f"/{kind}/filter", {"limit": 200, "offset": offset})
            parts += [json.dumps(each, ensure_ascii=False) for each in page]
            if len(page) < 200:
                break
    runs = up.ask("POST", "/flow_runs/filter", {"limit": 200})
    for run in runs:
        parts.append(json.dumps(up.ask("GET", f"/flow_run_states/?flow_run_id={run['id']}")))
        inputs = up.ask("POST", f"/flow_runs/{run['id']}/input/filter", {"prefix": "", "limit": 50})
        parts.append(json.dumps(inputs, ensure_ascii=False))
    events = up.ask("POST", "/events/filter", {"limit": 50})
    parts.append(json.dumps(events, ensure_ascii=False))
    text = "\n".join(parts)
    for picture in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
        text += base64.b64decode(picture).decode()
    return text.lower()


@pytest.mark.soak
def test_a_decision_that_lacks_something_is_asked_for_again(up: Running) -> None:
    """In the same run, with what is missing; what was held again is asked about again."""
    put_into_inbox(up, "again.csv", BAD.replace("first_name", "zip"))
    held = up.await_state(_import(up, "again.csv", "hubspot"), "PAUSED")
    assert "Held: hubspot: missing column" in held["state"]["message"]
    (up.home / "inbox" / "acme" / "again.csv").unlink()
    read_as = {"what": "Read it as the source below", "by": "Eve"}
    asked = _answer(up, held, read_as)
    assert "Choose the source by which the file is to be read." in asked["state"]["message"]
    asked = _answer(up, asked, {**read_as, "source": "generic"})
    assert "14% of its rows cannot be loaded" in asked["state"]["message"]
    done = _answer(up, asked, {"what": "Reject the file", "by": "Bob"})
    assert (done["state_type"], done["state"]["message"][:9]) == ("COMPLETED", "Declined:")
    entry = entry_of(up, "again.csv")
    assert [hold["decided_by"] for hold in entry.holds] == ["Eve", "Bob"]
    assert (entry.status, entry.source) == ("declined", "generic")


def _answer(up: Running, run: dict[str, Any], answer: dict[str, str]) -> dict[str, Any]:
    """Send a held run's form, as the UI does; gives the run as it stands afterwards."""
    up.ask("POST", f"/flow_runs/{run['id']}/resume", {"run_input": answer})

    def went_on() -> dict[str, Any] | None:
        found = up.read_run(run["id"])
        is_settled = found["state_type"] in ("PAUSED", "COMPLETED", "FAILED")
        return found if is_settled and found["state"]["id"] != run["state"]["id"] else None

    return await_(went_on, "what the answer leads to")


@pytest.mark.soak
def test_what_is_decided_by_command_is_asked_no_more(up: Running) -> None:
    """The run that waits for it ends, with a sentence; one that nobody has decided goes on to."""
    put_into_inbox(up, "late.csv", BAD)
    run = _import(up, "late.csv", "generic")
    up.await_state(run, "PAUSED")
    others = {each["id"] for each in _waiting(up)} - {run}
    late = entry_of(up, "late.csv").import_id
    command = [sys.executable, "-m", "flows.cli", "decide", late, "--apply", "--by", "Bob"]
    subprocess.run(command, env=up.environment, check=True, capture_output=True)
    up.await_state(up.begin_run("drop-folder", {}), "COMPLETED", "FAILED")
    ended = up.read_run(run)
    assert ended["state"]["message"].startswith("Decided otherwise meanwhile. Done: 70 rows")
    assert {each["id"] for each in _waiting(up)} == others


def test_the_form_is_checked_again(up: Running) -> None:
    """Whatever asks for a run is told in a sentence what is wrong; nothing is read outside."""
    folder = up.home / "inbox" / "acme"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link.csv").symlink_to(SAMPLES / "hubspot_contacts.csv")
    found = up.ask("GET", "/deployments/name/import-file/import-file")
    form = {"team": "acme", "source": "generic", "file": "acme/link.csv"}
    state = {"type": "SCHEDULED"}
    body = {"parameters": form, "enforce_parameter_schema": False, "state": state}
    run = up.ask("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"]
    ended = up.await_state(run, "FAILED", "COMPLETED")
    assert ended["state_type"] == "FAILED"
    assert ended["state"]["message"].startswith("'acme/link.csv' is no plain file but a link")
