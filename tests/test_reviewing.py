"""Candidates as people see them: in order, by id, in a spreadsheet and back."""

import csv
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import xlsxwriter

from contracts.errors import LeadfoldError, WrongCallError
from contracts.guards import GUARDS
from flows import cli, ledger, reviewing, teams
from flows.candidates import Review
from flows.deciding import decide_file, decide_typed
from flows.jobs import Outcome
from flows.review_files import COLUMNS, write_pairs
from flows.review_report import to_json, why
from flows.settings import Settings
from tests.conftest import Import, snapshot
from tests.states import check_claims
from tests.test_identity import LIST, ONE, THREE, TWO, A, B, candidates, groups
from transforms import pair_ids
from transforms.certainty import CLAIM_POINTS, GUARD_ORDER, NAME_POINTS
from transforms.pair_ids import name_pairs, pair_id

FOUR = "+14155552674"
CALM = "calm@example.com"

Look = Callable[..., Review]
DecideFile = Callable[[Path], list[Outcome]]


@pytest.fixture
def look(connection: psycopg.Connection, settings: Settings) -> Look:
    """What there is to look at in the team acme."""

    def do(limit: int | None = None, *, is_all: bool = False) -> Review:
        team = teams.find_team(connection, "acme")
        return reviewing.review_team(connection, team, settings, limit=limit, is_all=is_all)

    return do


@pytest.fixture
def decide(connection: psycopg.Connection, settings: Settings) -> DecideFile:
    """Carries out what a file decides, for all teams."""

    def do(path: Path) -> list[Outcome]:
        return decide_file(settings, teams.list_teams(connection), path, "eve")

    return do


def spouses(import_text: Import) -> None:
    """Three pairs: Bob and Ann share a phone and an email; two Cids an email; two Doras a phone."""
    import_text(
        LIST + f"1,,Ann,Lee,{ONE},{A}\n2,,Bob,Lee,{ONE},{A}\n"
        f"3,,Cid,Kahn,{TWO},{B}\n5,,Dora,Moss,{THREE},\n",
        name="a.csv",
    )
    import_text(LIST + f"4,,Cid,Kahn,{FOUR},\n6,,Dora,,,{CALM}\n", name="b.csv")
    import_text(LIST + f"7,,Cid,Kahn,{FOUR},{B}\n8,,Dora,,{THREE},{CALM}\n", name="c.csv")


def called(review: Review) -> list[str]:
    return [pair.left.name.split()[0] for pair in review.pairs]


def test_the_most_certain_come_first(
    connection: psycopg.Connection, import_text: Import, look: Look
) -> None:
    """The same name and an email before half a name and a phone, and who contradict at the end."""
    spouses(import_text)
    found = look()
    told = [(pair.left.name, pair.names, pair.points) for pair in found.pairs]
    phone, email = CLAIM_POINTS["phone"], CLAIM_POINTS["email"]
    assert [row[1:] for row in told] == [
        ("same", NAME_POINTS["same"] + told_points(found, 0)),
        ("agree", NAME_POINTS["agree"] + told_points(found, 1)),
        ("contradict", NAME_POINTS["contradict"] + phone + email),
    ]
    assert called(found) == ["Cid", "Dora", "Ann"] or called(found) == ["Cid", "Dora", "Bob"]
    assert [pair.points for pair in look(limit=2).pairs] == [pair.points for pair in found.pairs][
        :2
    ]
    assert look(limit=2).pair_count == 3


def told_points(review: Review, at: int) -> int:
    return sum(each.points for each in review.pairs[at].shared)


def test_the_order_is_written_down_once() -> None:
    """Stronger claims count more, and every guard has its place."""
    assert CLAIM_POINTS["crm_id"] > CLAIM_POINTS["phone"] > CLAIM_POINTS["email"] > 0
    points = [NAME_POINTS[name] for name in ("same", "agree", "unknown", "contradict")]
    assert points == sorted(points, reverse=True)
    assert sorted(GUARD_ORDER) == sorted(GUARDS)


def test_a_pair_shows_both_sides_and_the_evidence(import_text: Import, look: Look) -> None:
    """Which value they share, in which file and line it stands, and why they were kept apart."""
    import_text(LIST + f"1,,Ann,Lee,{ONE},{A}\n", name="a.csv")
    import_text(LIST + f"9,,Zoe,Ash,{TWO},\n2,,Bob,Lee,{ONE},{B}\n", name="b.csv")
    (pair,) = look().pairs
    sides = {side.name: side for side in (pair.left, pair.right)}
    ann, bob = sides["Ann Lee"], sides["Bob Lee"]
    assert (ann.phones, ann.emails, ann.records) == ((ONE,), (A,), ("a.csv line 2",))
    assert (bob.phones, bob.emails, bob.records) == ((ONE,), (B,), ("b.csv line 3",))
    (shared,) = pair.shared
    assert (shared.kind, shared.value) == ("phone", ONE)
    assert {shared.left, shared.right} == {("a.csv line 2",), ("b.csv line 3",)}
    who = f"{pair.left.name} and {pair.right.name}"
    assert why(pair) == f"{who} share the phone {ONE}: {GUARDS['name']}"
    assert ann.last_seen is not None


def test_values_of_many_are_told_apart_from_pairs(
    connection: psycopg.Connection, import_text: Import, look: Look, settings: Settings
) -> None:
    """With how many people state them and some of these; nothing is judged about them, and they
    speak for no pair."""
    names = ("Ann", "Bob", "Cid", "Dora")
    import_text(LIST + "".join(f"{n},,{n},Of{n},{ONE},{A if n < 'C' else ''}\n" for n in names))
    found = look()
    (crowd,) = found.crowds
    assert (crowd.kind, crowd.value, crowd.people) == ("phone", ONE, 4)
    assert crowd.examples == tuple(f"{name} Of{name}" for name in names)
    assert [[each.value for each in pair.shared] for pair in found.pairs] == [[A]]
    for name in (ONE, pair_id(("phone", ONE))):
        with pytest.raises(WrongCallError, match="no pair of people"):
            decide_typed(settings, [found.team], [(name, "same")], "eve")


def test_whom_a_judgement_keeps_apart_is_no_question_any_more(
    connection: psycopg.Connection, import_text: Import, look: Look, settings: Settings
) -> None:
    """Nor who became one; --all tells both, and who said so."""
    spouses(import_text)
    found = look()
    ids = {pair.left.name.split()[0]: pair.pair_id for pair in found.pairs}
    spouse = ids.get("Ann") or ids["Bob"]
    said = [(ids["Cid"], "same"), (spouse, "not_same")]
    (outcome,) = decide_typed(settings, [found.team], said, "eve")  # type: ignore[arg-type]
    assert outcome.file_name == "2 judgements"
    check_claims(connection)
    assert called(look()) == ["Dora"]
    judged = {pair.pair_id: pair.told for pair in look(is_all=True).pairs if pair.told.judgement}
    assert {name: told.judgement for name, told in judged.items()} == dict(said)
    assert {told.judged_by for told in judged.values()} == {"eve"}
    lines = [json.loads(json.dumps(each)) for each in to_json(look(is_all=True))]
    assert lines[0]["judgement"] is None
    assert {line["id"] for line in lines} == set(ids.values())


def test_ids_are_short_stable_and_safe_in_spreadsheets() -> None:
    """Eight consonants of the pair's key; as many more as tell two apart, were they to collide."""
    keys = [(f"persona_{n}", f"persona_{n + 1}") for n in range(500)]
    named = name_pairs(keys)
    assert named == name_pairs(reversed(keys))
    assert all(
        len(name) == 8 and not set(name) & set("AEIOUY0123456789") for name in named.values()
    )
    assert len(set(named.values())) == 500
    assert pair_id(("a", "b")) == pair_id(("a", "b"), 12)[:8] != pair_id(("ab", ""))


def test_ids_that_collide_are_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those, and no others."""
    monkeypatch.setattr(pair_ids, "SHORTEST", 1)
    keys = [(f"persona_{n}", "") for n in range(30)]
    named = name_pairs(keys)
    assert len(set(named.values())) == 30
    for key, name in named.items():
        assert pair_id(key, 20).startswith(name)
        others = [other for other in keys if other != key]
        assert len(name) == 1 or any(pair_id(o, len(name) - 1) == name[:-1] for o in others)


def test_an_id_is_found_by_its_beginning_in_any_case(
    connection: psycopg.Connection, import_text: Import, look: Look, settings: Settings
) -> None:
    """As long as no other begins so; an unknown one says where to look."""
    spouses(import_text)
    found = look()
    with pytest.raises(WrongCallError, match="There is no pair 'BCD'"):
        decide_typed(settings, [found.team], [("BCD", "same")], "eve")
    name = found.pairs[0].pair_id[:6].lower()
    with pytest.raises(WrongCallError, match="cannot be both"):
        decide_typed(settings, [found.team], [(name, "same"), (name, "not_same")], "eve")
    decide_typed(settings, [found.team], [(name, "same")], "eve")
    assert ["3", "4", "7"] in groups(connection)


def export(look: Look, path: Path) -> list[dict[str, str]]:
    """Write the pairs, and read them as a spreadsheet does."""
    write_pairs(path, [look()])
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_is_made_for_spreadsheets(import_text: Import, look: Look, tmp_path: Path) -> None:
    """With mark and line ends for Excel, for its owner only, and no cell that would be run."""
    import_text(LIST + f"1,,=cmd|x!A0,Lee,{ONE},{A}\n2,,Bob,Lee,{ONE},{B}\n")
    path = tmp_path / "pairs.csv"
    (row,) = export(look, path)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,decision,")
    assert content.count(b"\r\n") == content.count(b"\n") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tuple(row) == COLUMNS
    assert row["decision"] == ""
    assert row["left_phones"] == row["right_phones"] == f"'{ONE}"
    assert {row["left_emails"], row["right_emails"]} == {A, B}
    assert row["why"].endswith(GUARDS[row["guard"]])
    assert not any(cell.startswith(("=", "+", "@")) for cell in row.values())


def saved(rows: list[dict[str, str]], path: Path, form: str) -> None:
    """As a spreadsheet saves it."""
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    if form == "workbook":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for at, cells in enumerate(table):
                sheet.write_row(at, 0, cells)
        return
    delimiter, encoding = {
        "as it was": (",", "utf-8-sig"),
        "semicolons": (";", "utf-8-sig"),
        "Windows": (";", "cp1252"),
        "Unicode text": ("\t", "utf-16"),
    }[form]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(table)
    path.write_bytes(out.getvalue().encode(encoding))


@pytest.mark.parametrize("form", ["as it was", "semicolons", "Windows", "Unicode text", "workbook"])
def test_decisions_come_back_however_they_were_saved(
    connection: psycopg.Connection,
    import_text: Import,
    look: Look,
    decide: DecideFile,
    tmp_path: Path,
    form: str,
) -> None:
    """In one import: the words in any case; later and empty are for another day."""
    spouses(import_text)
    import_text(LIST + f"x,,Zoë,Müller,{ONE},\n", name="z.csv")
    rows = export(look, tmp_path / "pairs.csv")
    assert rows[0]["left_name"] == "Cid Kahn"
    rows[0]["decision"], rows[1]["decision"], rows[2]["decision"] = " SAME", "Later", "Not_Same "
    path = tmp_path / ("back.xlsx" if form == "workbook" else "back.csv")
    saved(rows, path, form)
    (outcome,) = decide(path)
    assert (outcome.status, outcome.file_name) == ("done", "2 judgements")
    judged = {row["judgement"] for row in candidates(connection)}
    assert judged == {"same", "not_same", None}
    assert ["3", "4", "7"] in groups(connection)
    check_claims(connection)


def test_a_file_at_fault_does_nothing(
    connection: psycopg.Connection,
    import_text: Import,
    look: Look,
    decide: DecideFile,
    settings: Settings,
    tmp_path: Path,
) -> None:
    """Every line at fault is told: an unknown word, an unknown id, one that was judged before, and
    two decisions about one pair."""
    spouses(import_text)
    rows = export(look, tmp_path / "pairs.csv")
    decide_typed(settings, [look().team], [(rows[2]["id"], "not_same")], "bob")
    rows = [
        {**rows[0], "decision": "same"},
        {**rows[0], "decision": "not same"},
        {**rows[1], "decision": "perhaps"},
        {**rows[2], "decision": "same"},
        {**rows[1], "id": "BCDFGHJK", "decision": "same"},
    ]
    path = tmp_path / "back.csv"
    saved(rows[2:3], path, "as it was")
    with pytest.raises(WrongCallError, match="line 2: 'perhaps' is no decision"):
        decide(path)
    rows[2]["decision"] = ""
    saved(rows, path, "as it was")
    before = snapshot(connection)
    with pytest.raises(WrongCallError) as caught:
        decide(path)
    assert snapshot(connection) == before
    told = str(caught.value).splitlines()
    assert told[0] == "back.csv: nothing was judged."
    assert "is decided otherwise in line 2" in told[1]
    assert "was judged not the same already, by bob" in told[2]
    assert "line 6: There is no pair 'BCDFGHJK'" in told[3]


def test_a_file_that_is_none_is_refused(decide: DecideFile, tmp_path: Path) -> None:
    """It is not there, is no table, or has no column for decisions."""
    path = tmp_path / "back.csv"
    with pytest.raises(WrongCallError, match="There is no file"):
        decide(path)
    path.write_text("id,verdict\nBCDFGHJK,same\n")
    with pytest.raises(WrongCallError, match="no column 'decision'"):
        decide(path)
    path.write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(LeadfoldError):
        decide(path)


def test_the_command_lists_and_judges(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """On the screen, as JSON, and to a file and back; what does not go together is refused."""
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            cli.main(["review", *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return (code, *capfd.readouterr())

    assert "no pair of people waits" in call("--team", "acme")[1]
    spouses(import_text)
    shown = call("--limit", "1")[1]
    assert "emails     =  bob@example.com" in shown
    assert "1 of 3 pairs of people, the most certain first. More: --limit 3" in shown
    lines = [json.loads(line) for line in call("--json")[1].splitlines()]
    assert [line["what"] for line in lines] == ["pair"] * 3
    ids = [line["id"] for line in lines]
    assert call("--same", ids[0], "--export", "x.csv")[0] == 2
    code, out, _ = call("--same", ids[0], "--by", "Ms. Smith")
    assert (code, "1 judgement in acme: import_" in out) == (0, True)
    (newest, *_) = ledger.list_imports(connection)
    assert newest.started_by == "Ms. Smith"
    path = tmp_path / "pairs.csv"
    assert call("--export", str(path))[1].startswith("2 pairs written to")
    assert call("--import", str(path))[1].startswith("The file decides nothing")
    code, _, err = call("--same", "NNNNNNNN")
    assert (code, "There is no pair 'NNNNNNNN'" in err) == (2, True)
