"""What can go wrong, as errors that say fact, evidence and remedy in one place."""


class LeadfoldError(Exception):
    """A fault that its reader can act on. The message is a whole sentence; no traceback is shown.

    Attributes:
        exit_code: What the command line exits with: 1 failed or held, 2 wrong call.
    """

    exit_code = 1


class WrongCallError(LeadfoldError):
    """The call names something that is not there: a file, source, team or import."""

    exit_code = 2


class ContractError(LeadfoldError):
    """A contract's YAML does not say what a contract must say."""


class UnreadableFileError(LeadfoldError):
    """A file cannot be read as what it claims to be."""


class SourceDriftError(LeadfoldError):
    """A file's header no longer fits its source. The import is held before anything is written."""


class DatabaseUnavailableError(LeadfoldError):
    """Postgres does not answer, or cannot be started."""


class MigrationError(LeadfoldError):
    """The schema is not what the migrations say: one was edited, or one is missing."""


class StalePlanError(LeadfoldError):
    """Postgres changed between planning and applying. The transaction rolls back; plan again."""
