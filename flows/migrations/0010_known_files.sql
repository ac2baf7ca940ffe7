-- A file that comes again as it is, and room for changes beside the rows that they change.
--
-- records_digest tells whether all that a file brought is still stored as it brought it. If the same
-- bytes come again, nothing of them is read then: each record is unchanged, each reject the same.

ALTER TABLE imports ADD COLUMN records_digest text;
COMMENT ON COLUMN imports.records_digest IS
    'How many of the file''s records are leads, and the sum of their statements'' digests (as in'
    ' repeated). Null: by what it brought, the file cannot be known again.';

-- A changed row finds room on its own page, so that no index is written for it and the page is no
-- place for new rows afterwards. Without, each change leaves a gap that a new row of the next import
-- goes into: of 75,000 new leads in a team of 5M, 60,000 each went to another old page, which was
-- read, and written whole to the log. A tenth of a page is a lead, a twentieth a person.
-- Pages that are full already stay so until they are rewritten (VACUUM FULL, at rest).
ALTER TABLE leads SET (fillfactor = 90);
ALTER TABLE personas SET (fillfactor = 95);
