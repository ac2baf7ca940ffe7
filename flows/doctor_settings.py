"""What ``leadfold doctor`` looks at without a database: packages, YAML files, time zones."""

from collections.abc import Iterable, Iterator
from importlib import metadata
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import Requirement

from contracts.errors import LeadfoldError
from contracts.registry import load_policies, load_sources
from flows import feeds, retention
from flows.checks import Finding, join
from flows.settings import Settings


def check_packages() -> Iterator[Finding]:
    """Whether the packages are those that this version works with."""
    needed = metadata.requires("leadfold") or []
    if unmet := list_unmet(needed):
        yield Finding(
            *("packages", "wrong", f"Not as needed: {join(unmet)}."),
            "Run make setup, or: pip install --require-hashes -r requirements.lock",
        )
    else:
        prefect = metadata.version("prefect")
        yield Finding("packages", "ok", f"All packages are as needed; Prefect {prefect}.")


def list_unmet(requirements: Iterable[str]) -> list[str]:
    """What is installed otherwise than it is required, or not at all.

    Prefect itself takes newer ones of fastapi and sqlalchemy, with which it does not work.
    """
    unmet = []
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            unmet.append(f"{requirement.name} (missing)")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            unmet.append(f"{requirement.name} {found} (needed: {requirement.specifier})")
    return unmet


def check_files(settings: Settings) -> Iterator[Finding]:
    """Whether contracts, policies, retention and feeds say what they can say."""
    for what, load in (
        ("contracts of sources", load_sources),
        ("policies", load_policies),
        (retention.FILE_NAME, lambda: retention.read_retention(settings)),
        (feeds.FILE_NAME, lambda: feeds.load_feeds(settings)),
    ):
        try:
            load()
        except (LeadfoldError, OSError, UnicodeError) as error:
            says, _, more = str(error).partition("\n")
            yield Finding(*("settings", "wrong", says), more.strip() or f"Correct {what}.")
        else:
            yield Finding("settings", "ok", f"Readable: {what}.")


def check_time_zones() -> Iterator[Finding]:
    """Whether this machine knows the time zones that contracts and schedules name."""
    names = {
        "America/New_York",
        "Europe/Berlin",
        *(each.file_timezone for each in load_sources().values()),
    }
    unknown = []
    for name in sorted(filter(None, names)):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            unknown.append(name)
    if unknown:
        yield Finding(
            *("settings", "wrong", f"This machine does not know the time zones {join(unknown)}."),
            "Install the package tzdata: pip install tzdata",
        )
    else:
        yield Finding("settings", "ok", "This machine knows the time zones.")
