-- Running it: imports that are held for a person, feeds, the drop folder, corrections.

ALTER TABLE imports DROP CONSTRAINT imports_status_check;
ALTER TABLE imports ADD CONSTRAINT imports_status_check
    CHECK (status IN ('running', 'done', 'held', 'failed', 'declined'));

ALTER TABLE imports
    ADD COLUMN origin text NOT NULL DEFAULT 'command'
        CHECK (origin IN ('command', 'analyst', 'nightly', 'drop')),
    ADD COLUMN feed_id text,
    ADD COLUMN run_id text,
    ADD COLUMN file_form text,
    ADD COLUMN holds jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN stops jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN corrects_import_id text COLLATE "C" REFERENCES imports,
    ADD COLUMN layout jsonb;
COMMENT ON COLUMN imports.origin IS 'How the import was started.';
COMMENT ON COLUMN imports.feed_id IS 'The feed of feeds.yaml that brought the file.';
COMMENT ON COLUMN imports.run_id IS 'The Prefect flow run in which it ran last.';
COMMENT ON COLUMN imports.file_form IS
    'What the landed file is: csv, xlsx, jsonl, json or parquet. With the hash, its name.';
COMMENT ON COLUMN imports.holds IS
    'Each time that it was held: code, reason, held_at, and once somebody decided: decision'
    ' (apply, reject, source), source, decided_by, decided_at.';
COMMENT ON COLUMN imports.stops IS
    'Each time that it was stopped before it was done, and then ran again: reason, at.';
COMMENT ON COLUMN imports.corrects_import_id IS
    'The import whose rejected rows this one brings again, corrected.';
COMMENT ON COLUMN imports.layout IS
    'How the file is written (flows.reading.layouts): the cells of a rejected row are told by it.';
CREATE INDEX imports_run_idx ON imports (run_id) WHERE run_id IS NOT NULL;

ALTER TABLE import_issues
    ADD COLUMN resolved_by_import_id text COLLATE "C" REFERENCES imports,
    ADD COLUMN corrects_line bigint;
COMMENT ON COLUMN import_issues.resolved_by_import_id IS
    'The correction import that has loaded this row; it counts unless that import is undone.';
COMMENT ON COLUMN import_issues.corrects_line IS
    'Of a correction import: the line, in the corrected import, that this row was to mend.';

CREATE TABLE feed_files (
    team_id text COLLATE "C" NOT NULL REFERENCES teams,
    feed_id text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    size_bytes bigint NOT NULL,
    modified_at timestamptz NOT NULL,
    file_hash text NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    status text NOT NULL CHECK (status IN (
        'open', 'done', 'held', 'declined', 'failed', 'repeated', 'refused'
    )),
    reason text,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, feed_id, path)
);
COMMENT ON TABLE feed_files IS
    'Files that a feed has delivered. But for open ones, none is taken again as long as it stays as'
    ' it is.';
COMMENT ON COLUMN feed_files.file_hash IS 'SHA-256 of the file as it was delivered, packed or not.';
COMMENT ON COLUMN feed_files.import_id IS
    'The import that takes it. Written down before that begins, so that whoever takes the file again'
    ' after a crash asks for the same import; of a repeated one, the import of the first.';
COMMENT ON COLUMN feed_files.status IS
    'open: begun, or failed for a reason that may pass. failed: for good. repeated: its'
    ' content came before. refused: a snapshot older than one that is in.';
CREATE INDEX feed_files_hash_idx ON feed_files (team_id, feed_id, file_hash);
