"""The commands about single people, as people and scripts call them."""

import json
import stat
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Import
from tests.test_cli import Call, call
from tests.test_survive import EMAIL

__all__ = ["call"]


def test_each_command_tells_about_a_person(
    call: Call, connection: psycopg.Connection, import_text: Import, tmp_path: Path
) -> None:
    """For people, and as one JSON object for scripts; a document goes to a file of its owner."""
    import_text(f"id,name,email,city\n1,Ann Lee,{EMAIL},Rome\n", name="a.csv")
    for command, word in (("why", "nobody else states it"), ("history", "first known")):
        code, out, err = call(command, EMAIL)
        assert (code, err) == (0, "")
        assert out.startswith(f"Ann Lee, {EMAIL}\n")
        assert word in out
        told = json.loads(call(command, EMAIL, "--team", "acme", "--json")[1])
        assert (told["team_id"], told["label"]) == ("acme", f"Ann Lee, {EMAIL}")
    path = tmp_path / "ann.json"
    code, out, _ = call("export-person", EMAIL, "--output", path)
    assert (code, f"is written to {path}." in out) == (0, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["tables"]["leads"][0]["city"] == "Rome"
    printed = json.loads(call("export-person", EMAIL)[1])
    assert printed["tables"] == document["tables"]
    code, out, err = call("export-person", EMAIL, "--output", path)
    assert (code, out, "There is a file" in err) == (2, "", True)


def test_a_persons_text_is_shown_and_not_obeyed(
    call: Call, connection: psycopg.Connection, import_text: Import
) -> None:
    """Neither markup nor a control character of a file reaches the terminal as such."""
    import_text(f"id,email,city\n1,{EMAIL},[red]Rome\n", name="a[bold].csv")
    connection.execute("UPDATE personas SET company = E'x\\x1b[31m'")
    for command in ("why", "history"):
        out = call(command, EMAIL)[1]
        assert "[red]Rome" in out
        assert "a[bold].csv" in out
        assert "\x1b" not in out


@pytest.mark.parametrize("command", ["why", "history", "export-person"])
def test_nobody_and_several_are_a_wrong_call(call: Call, import_text: Import, command: str) -> None:
    """With a sentence, and with the people to choose from."""
    code, out, err = call(command, EMAIL)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: There is nobody in any team whom '{EMAIL}' identifies.")
    import_text("id,first_name,phone\n1,Ann,415-555-2671\n2,Bob,415-555-2671\n", name="a.csv")
    code, out, err = call(command, "415-555-2671")
    assert (code, out) == (2, "")
    assert "Ann, +14155552671 (team acme)" in err
    assert call(command, EMAIL, "--team", "nobody")[0] == 2
    assert call(command, "")[0] == 2


@pytest.mark.parametrize(
    "template",
    ["chat.example/c", "https://chat.example/c", "https://x/{conversation_id}/{other}"],
)
def test_a_wrong_address_of_chats_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    """Before anything is looked up."""
    monkeypatch.setenv("LEADFOLD_CONVERSATION_URL", template)
    code, out, err = call("why", EMAIL)
    assert (code, out, "LEADFOLD_CONVERSATION_URL" in err) == (2, "", True)
