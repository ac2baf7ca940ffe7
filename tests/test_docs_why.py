"""docs/why.md: what it shows is what happens, and what it explains is what may be said."""

from pathlib import Path

from flows.settings import Settings
from tests.pages import ROOT, run_page
from transforms.passed_over import RULES

PAGE = ROOT / "docs" / "why.md"


def test_the_page_shows_what_the_commands_say(settings: Settings, tmp_path: Path) -> None:
    """Run in order on the samples; ``make docs`` mends the page."""
    text = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "place"
    folder.mkdir()
    assert run_page(text, folder, settings.home, settings.database_url) == text
    assert "rnguyen1592@delta.example" in (folder / "person.json").read_text(encoding="utf-8")


def test_every_rule_is_explained() -> None:
    """In the words in which it is shown."""
    text = PAGE.read_text(encoding="utf-8")
    for rule in ("newest", "oldest", "fill", "trusted", "longest", "max"):
        assert RULES[rule] in text, rule


def test_the_readme_leads_to_the_page() -> None:
    """Or nobody finds it."""
    assert "(docs/why.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
