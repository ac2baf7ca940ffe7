"""docs/review.md: what it shows is what happens, and what it explains is there."""

import csv
import re
from pathlib import Path

from flows.review_files import COLUMNS
from flows.settings import Settings
from tests.pages import ROOT, run_page
from transforms.certainty import CLAIM_POINTS, NAME_POINTS

PAGE = ROOT / "docs" / "review.md"


def test_the_page_shows_what_the_commands_say(settings: Settings, tmp_path: Path) -> None:
    """Run in order on the samples; ``make docs`` mends the page."""
    text = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "place"
    folder.mkdir()
    assert run_page(text, folder, settings.home, settings.database_url) == text
    assert text.count("1 judgement in acme") == 3
    with (folder / "pairs.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["decision"] for row in csv.DictReader(file)] == ["same"]


def test_points_and_columns_are_those_that_there_are() -> None:
    """In the tables of the page."""
    text = PAGE.read_text(encoding="utf-8")
    row = r"^\| (?:the same|names that) .* \| (?:\d, or )?(-?\d+) \|$"
    told = re.findall(row, text, re.MULTILINE)
    strongest = [CLAIM_POINTS[name] for name in ("composite", "phone", "email")]
    assert list(map(int, told)) == [*strongest, *NAME_POINTS.values()]
    assert f"| {CLAIM_POINTS['crm_id']}, or {CLAIM_POINTS['composite']} |" in text
    columns = [name for name in COLUMNS if not name.startswith(("left_", "right_"))]
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == columns


def test_the_readme_leads_to_the_page() -> None:
    """Or nobody finds it."""
    assert "(docs/review.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
