"""One ``leadfold up`` a database, wherever it runs."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import WrongCallError
from flows import warehouse
from flows.alone import DatabaseHold
from flows.settings import Settings


def test_a_database_has_one_leadfold(settings: Settings, tmp_path: Path) -> None:
    """Another home is refused; it may have the database once it is free."""
    first, second = DatabaseHold(settings), DatabaseHold(replace(settings, home=tmp_path / "other"))
    first.take()
    first.take()
    with pytest.raises(WrongCallError, match="from another LEADFOLD_HOME or another machine"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_a_hold_that_was_lost_is_taken_again(settings: Settings) -> None:
    """As after a restart of Postgres."""
    hold, other = DatabaseHold(settings), DatabaseHold(settings)
    hold.take()
    with closing(warehouse.open_connection(settings, "a test")) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'leadfold up' AND datname = current_database()"
        )
    hold.take()
    with pytest.raises(WrongCallError):
        other.take()
    hold.release()
