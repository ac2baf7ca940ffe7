"""The story of ``leadfold doctor``: everything that an import needs is looked at."""

from collections.abc import Iterator
from functools import partial

from flows import doctor_database, doctor_files, doctor_prefect, doctor_settings
from flows.checks import Finding, look
from flows.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, and tell of each what was found and what to do.

    Nothing is changed: nothing migrated, mended or deleted. That files can be
    made is tried, and the embedded Postgres is started where it does not run. No error is raised.
    """
    yield from look("packages", doctor_settings.check_packages)
    yield from look("settings", partial(doctor_settings.check_files, settings))
    yield from look("settings", doctor_settings.check_time_zones)
    if settings.home.exists():
        for check in doctor_files.CHECKS:
            yield from look("files", partial(check, settings))
    else:
        says = f"There is no folder {settings.home} yet."
        yield Finding("files", "warning", says, "The first command that needs it makes it.")
    yield from doctor_database.check_database(settings)
    for ask in doctor_prefect.CHECKS:
        yield from look("prefect", partial(ask, settings))
