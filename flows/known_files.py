"""A file that comes again as it is: what it says is known before any of it is read."""

import psycopg
from psycopg.rows import class_row

from flows.jobs import Job
from flows.landing import Batch
from flows.ledger import IMPORT, Import
from transforms.dedupe import digest_stored
from transforms.plan import Counts
from transforms.reject_rate import are_too_many
from transforms.relations import Work

_OF_FILES = ["file", "rules", "correction"]


def find_same(connection: psycopg.Connection, work: Work, job: Job, batch: Batch) -> Import | None:
    """The last import of a logical file, if this file is the same and all it brought is stored.

    To read it would find each record unchanged, and each reject to be one again. It has to be the
    same bytes, read by the same rules, and the records of the logical file those that it brought,
    as it brought them: none changed, withdrawn, missing or added since, by whomever.

    None of a team from which somebody was erased, since a row about them is to be kept out of the
    landed copy, too; nor where an import without a file came since (an undo, with which opt-outs of
    rejected rows may have been withdrawn, a refold, a review); nor one that may have to be held for
    its rejects.

    Args:
        connection: Where to ask.
        work: With ``stored_fingerprints`` of the whole logical file, read by the rules of the job.
        job: The import.
        batch: The landed file.
    """
    team_id = job.team.team_id
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        last = cursor.execute(
            f"{IMPORT} WHERE team_id = %(team)s AND source_file = %(file)s"  # noqa: S608
            " AND status = 'done'"
            " AND undone_by_import_id IS NULL"
            " AND NOT EXISTS (SELECT FROM erased WHERE team_id = %(team)s)"
            " AND NOT EXISTS (SELECT FROM imports AS later WHERE later.team_id = %(team)s"
            " AND later.commit_no > imports.commit_no AND later.cause <> ALL (%(of_files)s))"
            " ORDER BY commit_no DESC LIMIT 1",
            {"team": team_id, "file": job.source_file, "of_files": _OF_FILES},
        ).fetchone()
    if not last or not last.records_digest:
        return None
    if are_too_many(last.rows_rejected, last.rows_landed, job.policy.max_reject_rate):
        return None
    told = (last.source, last.file_hash, last.file_form)
    if told != (job.source, batch.sha256, batch.form) or last.cause == "correction":
        return None
    return last if last.records_digest == digest_stored(work) else None


def count_again(first: Counts) -> Counts:
    """What becomes of a file's rows when it comes again, and all that it brought is stored."""
    records = first.inserted + first.updated + first.unchanged + first.deleted
    return Counts(first.landed, first.rejected, first.duplicate, unchanged=records)
