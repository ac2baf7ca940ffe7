"""The Prefect flow that removes what is too old."""

from collections.abc import Iterator

import psycopg
import pytest
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from flows import maintain
from flows.settings import Settings


@pytest.fixture(scope="module")
def prefect() -> Iterator[None]:
    """A Prefect server of the test's own, without the heartbeat that costs a second a flow."""
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}),
    ):
        yield


def test_the_flow_removes_and_tells(
    prefect: None,
    settings: Settings,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a program it tells what it did; a wrong retention.yaml is a sentence and an exit code."""
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    (settings.home / "landing").mkdir(parents=True)
    (settings.home / "landing" / "x.csv").write_text("x")
    (settings.home / "retention.yaml").write_text("landed: 1\n")
    assert maintain.main([]) == 0
    assert "There is nothing to remove." in capsys.readouterr().out
    assert maintain.maintain(return_state=True).message == "There is nothing to remove."
    (settings.home / "retention.yaml").write_text("landed: soon\n")
    assert maintain.main(["--dry-run"]) == 1
    assert "is no retention" in capsys.readouterr().err
