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


class UnsafeArchiveError(UnreadableFileError):
    """An archive that may harm: it unpacks to too much, or its names point elsewhere."""


class FileNotStableError(LeadfoldError):
    """A file that is still being written. Trying again later is right."""


class LocationError(LeadfoldError):
    """A feed's location does not answer, or does not give what was asked for."""


class CorrectionError(LeadfoldError):
    """A file of corrected rejects that does not say, or says wrongly, what it corrects."""


class HeldError(LeadfoldError):
    """An import waits for a person before anything is written; the message says why.

    Attributes:
        code: Why, for scripts and statistics; never changes its meaning.
    """

    code = "held"


class UnknownSourceError(HeldError):
    """No contract fits a file exactly, or several do."""

    code = "source_unknown"


class SourceDriftError(HeldError):
    """A file's header, or its name, no longer fits its source."""

    code = "header_drift"


class TooManyRejectsError(HeldError):
    """More of a file's rows cannot be loaded than the team's policy takes for chance."""

    code = "too_many_rejects"


class ReusedFileNameError(HeldError):
    """A one-off list has the name of an earlier one, and is about other people."""

    code = "name_reused"


class SnapshotShrunkError(HeldError):
    """A snapshot lacks more records than may vanish at once."""

    code = "too_many_deletes"


class ErasureKeyError(HeldError):
    """The key by which erased people are known again is not the one that is needed."""

    code = "erasure_key"


class WorkMemoryError(LeadfoldError):
    """What DuckDB may take of memory or disk is not enough for a file."""


class DatabaseUnavailableError(LeadfoldError):
    """Postgres does not answer, or cannot be started."""


class TeamBusyError(DatabaseUnavailableError):
    """Another import of the team runs for longer than one is willing to wait."""


class MigrationError(LeadfoldError):
    """The schema is not what the migrations say: one was edited, or one is missing."""


class StalePlanError(LeadfoldError):
    """Postgres changed between planning and applying. The transaction rolls back; plan again.

    Attributes:
        conflict: What was met: a constraint, or ``row_version``.
    """

    def __init__(self, message: str, conflict: str = "row_version") -> None:
        super().__init__(message)
        self.conflict = conflict


def refusal(name: str, fact: str, remedy: str) -> UnreadableFileError:
    """The error for a file that cannot be read: ``name: fact``, then what to do."""
    return UnreadableFileError(f"{name}: {fact}\n{remedy}")
