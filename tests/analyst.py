"""An analyst at work: a real Chromium that clicks through the Prefect UI."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# A page of the UI takes seconds where all cores are busy.
_PATIENCE_MS = 120_000


def has_chromium() -> bool:
    """Whether there is a browser; where packages can be installed, it is asked for once."""
    if not CHROMIUM.exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "chromium"], capture_output=True, check=False)
    return CHROMIUM.exists()


@dataclass(frozen=True)
class Analyst:
    """What an analyst does in the UI.

    Attributes:
        page: The browser's page.
        url: Of the UI, ending in ``/v2``.
        pictures: A folder for screenshots; None: none are taken.
    """

    page: Page
    url: str
    pictures: Path | None = None

    def open_form(self) -> None:
        """Open the form that starts ``import-file``."""
        self.page.goto(f"{self.url}/deployments")
        self.page.get_by_role("link", name="import-file", exact=True).first.click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()
        expect(self.page.get_by_role("button", name="Submit")).to_be_visible()

    def choose(self, label: str, option: str) -> None:
        """Choose from a dropdown."""
        self.page.get_by_role("button", name=f"Select {label}").click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def write(self, label: str, text: str) -> None:
        """Fill in a text."""
        self.page.get_by_label(label).fill(text)

    def submit(self) -> None:
        """Send the form, and follow the notice to its run."""
        self.page.get_by_role("button", name="Submit").click()
        self.page.get_by_role("button", name="View run").click()
        self.page.wait_for_url(re.compile("/runs/flow-run/"))

    def open_run(self, name: str) -> None:
        """Open the newest run of that name, from the list of runs."""
        self.page.goto(f"{self.url}/runs")
        self.page.get_by_role("link", name=name).first.click()
        self.page.wait_for_url(re.compile("/runs/flow-run/"))

    def await_state(self, state: str) -> None:
        """Watch the run until it has come to a state."""
        badge = self.page.locator("main").get_by_text(state, exact=True)
        expect(badge.first).to_be_visible()

    def await_log(self, text: str) -> None:
        """Read the run's log until it says so, and look at the end of the page."""
        line = self.page.get_by_text(text).first
        expect(line).to_be_visible()
        line.scroll_into_view_if_needed()

    def open_report(self) -> None:
        """Open the report of the run that is shown: the newest artifact that is a page."""
        # The page does not notice by itself what was added to the run.
        self.page.reload()
        self.page.get_by_role("tab", name="Artifacts").click()
        pages = self.page.locator('a[href*="/artifacts/artifact/"]').filter(has_text=" into ")
        pages.first.click()
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        # The heading stands there before the text of the page does.
        expect(self.page.get_by_role("cell", name="all", exact=True)).to_be_visible()

    def resume(self) -> None:
        """Open the form of the held run that is shown."""
        self.page.get_by_role("button", name="Open menu").first.click()
        self.page.get_by_role("menuitem", name="Resume").click()
        expect(self.page.get_by_role("dialog")).to_contain_text("What to do")

    def confirm(self) -> None:
        """Send the form of the held run."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Resume").click()
        expect(dialog).to_be_hidden()

    def picture(self, name: str) -> None:
        """Keep what is seen for the docs."""
        if self.pictures:
            self.pictures.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.pictures / f"{name}.png")


@contextmanager
def at_work(url: str, pictures: Path | None = None) -> Iterator[Analyst]:
    """A browser with nothing remembered, at the UI of this address."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        context = playwright.chromium.launch_persistent_context(
            folder,
            executable_path=CHROMIUM,
            headless=True,
            args=_FLAGS,
            viewport={"width": 1100, "height": 860},
        )
        context.set_default_timeout(_PATIENCE_MS)
        expect.set_options(timeout=_PATIENCE_MS)
        try:
            yield Analyst(context.pages[0], url, pictures)
        finally:
            context.close()
