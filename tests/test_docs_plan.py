"""docs/plan.md: what it shows is what happens, and what it explains is there."""

from pathlib import Path

from flows.settings import Settings
from tests.pages import ROOT, run_page
from transforms.plan_changes import SCHEMA

PAGE = ROOT / "docs" / "plan.md"


def test_the_page_shows_what_the_commands_say(settings: Settings, tmp_path: Path) -> None:
    """Run in order on the samples; ``make docs`` mends the page."""
    text = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "place"
    folder.mkdir()
    assert run_page(text, folder, settings.home, settings.database_url) == text
    assert text.count("nothing was written.") == 2
    header = (folder / "plan.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert header == ",".join(SCHEMA)


def test_every_column_of_the_file_is_explained() -> None:
    """In the order in which they stand there."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert [row.split("`")[1] for row in rows] == list(SCHEMA)


def test_the_readme_leads_to_the_page() -> None:
    """Or nobody finds it."""
    assert "(docs/plan.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
