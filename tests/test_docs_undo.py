"""docs/undo.md: what it shows is what happens."""

from pathlib import Path

from flows.settings import Settings
from tests.pages import ROOT, run_page

PAGE = ROOT / "docs" / "undo.md"


def test_the_page_shows_what_the_commands_say(settings: Settings, tmp_path: Path) -> None:
    """Run in order on the samples; ``make docs`` mends the page."""
    text = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "place"
    folder.mkdir()
    assert run_page(text, folder, settings.home, settings.database_url) == text
    assert "To have it again: leadfold undo import_..." in text
    assert "unmerge of persona_..." in text


def test_the_readme_leads_to_the_page() -> None:
    """Or nobody finds it."""
    assert "(docs/undo.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
