-- What undo, review, history and erasure need: the order of commits, who undid what, statements
-- that a file repeated, moves of leads, earlier states of claims and of other rows, and the traces
-- of who was erased.

ALTER TABLE imports
    DROP CONSTRAINT imports_cause_check,
    ADD CONSTRAINT imports_cause_check CHECK (
        cause IN (
            'file', 'rules', 'refold', 'undo', 'correction', 'review', 'unmerge', 'erase'
        )
    ),
    ADD COLUMN commit_no bigint,
    ADD COLUMN undoes_import_id text COLLATE "C" REFERENCES imports,
    ADD COLUMN undone_by_import_id text COLLATE "C" REFERENCES imports,
    ADD COLUMN is_undoable boolean NOT NULL DEFAULT true,
    ADD COLUMN repeated bytea,
    ADD COLUMN policy_before jsonb,
    ADD COLUMN kept jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN imports.commit_no IS
    'Which import of the team it is, in the order in which they were applied. Null: it was not.';
COMMENT ON COLUMN imports.undoes_import_id IS 'Of an undo: the import that it takes back.';
COMMENT ON COLUMN imports.undone_by_import_id IS
    'The undo that took it back. Null: what it says holds. An undo can be undone, too.';
COMMENT ON COLUMN imports.is_undoable IS 'False: the statements that an undo needs were pruned.';
COMMENT ON COLUMN imports.repeated IS
    'Statements that were stored before and that this file repeats, so that they are its own when '
    'the earlier import is undone: 64-bit digests, 8 bytes each, sorted.';
COMMENT ON COLUMN imports.policy_before IS
    'Of a refold: the policy that it replaced, as {"policy": name, "policy_rules": ...}.';
COMMENT ON COLUMN imports.kept IS
    'Of an undo: what it could not take back, as [{"what", "id", "name", "field", "value", "why"}].';

UPDATE imports SET commit_no = numbered.commit_no
FROM (
    SELECT import_id, row_number() OVER (PARTITION BY team_id ORDER BY finished_at, import_id)
        AS commit_no
    FROM imports WHERE status = 'done'
) AS numbered
WHERE imports.import_id = numbered.import_id;
CREATE UNIQUE INDEX imports_commit_idx ON imports (team_id, commit_no);

ALTER TABLE leads ADD COLUMN line_no bigint;
ALTER TABLE lead_versions ADD COLUMN line_no bigint;
COMMENT ON COLUMN leads.line_no IS 'Line of the file of import_id at which the record stands first.';
CREATE INDEX lead_versions_import_idx ON lead_versions (team_id, import_id);

ALTER TABLE persona_versions
    DROP CONSTRAINT persona_versions_change_check,
    ADD CONSTRAINT persona_versions_change_check CHECK (
        change IN ('update', 'merge', 'split', 'end', 'revive', 'remove', 'restore')
    );
CREATE INDEX persona_versions_import_idx ON persona_versions (team_id, import_id);

-- Who was merged into somebody.
CREATE INDEX personas_merged_idx ON personas (team_id, merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE undone_leads (
    team_id text COLLATE "C" NOT NULL,
    lead_id text COLLATE "C" NOT NULL,
    source text NOT NULL,
    source_file text COLLATE "C" NOT NULL,
    source_record_id text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (team_id, lead_id)
);
COMMENT ON TABLE undone_leads IS
    'Leads whose statements were all undone: they are no leads any more. What was said of them is in '
    'lead_versions. When the record comes again, it is this lead again, with what was judged of it.';
COMMENT ON COLUMN undone_leads.import_id IS 'The undo that removed it.';
CREATE UNIQUE INDEX undone_leads_record_unique_idx
    ON undone_leads (team_id, source_record_id, source_file);

CREATE TABLE lead_moves (
    team_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    lead_id text COLLATE "C" NOT NULL,
    from_persona_id text COLLATE "C" NOT NULL,
    to_persona_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (team_id, import_id, lead_id)
);
COMMENT ON TABLE lead_moves IS 'Which leads an import moved from one persona to another.';
CREATE INDEX lead_moves_lead_idx ON lead_moves (team_id, lead_id);

CREATE TABLE identity_versions (
    team_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C" NOT NULL,
    was_exclusive boolean,
    is_exclusive boolean,
    PRIMARY KEY (team_id, import_id, kind, value, persona_id)
);
COMMENT ON TABLE identity_versions IS
    'How an import changed who holds a claim that somebody held before. Null: no row of identities. '
    'A claim that nobody else held is told by the leads that state it.';
CREATE INDEX identity_versions_claim_idx ON identity_versions (team_id, kind, value);

CREATE TABLE row_versions (
    team_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    row_key text COLLATE "C" NOT NULL,
    before jsonb NOT NULL,
    PRIMARY KEY (team_id, import_id, table_name, row_key)
);
COMMENT ON TABLE row_versions IS
    'Rows of merge_candidates, opt_outs and lead_activities as they were before an import changed or '
    'removed them; of personas the edits by hand, where a merge mixed those of two.';

-- Judgements are about leads: all that a person had when it was judged.
DROP INDEX merge_candidates_apart_idx;
ALTER TABLE merge_candidates
    ADD COLUMN left_lead_ids text[] COLLATE "C",
    ADD COLUMN right_lead_ids text[] COLLATE "C";
UPDATE merge_candidates
SET left_lead_ids = ARRAY[left_lead_id], right_lead_ids = ARRAY[right_lead_id]
WHERE left_lead_id IS NOT NULL AND right_lead_id IS NOT NULL;
ALTER TABLE merge_candidates DROP COLUMN left_lead_id, DROP COLUMN right_lead_id;
CREATE INDEX merge_candidates_apart_idx ON merge_candidates (team_id)
    WHERE judgement = 'not_same';
COMMENT ON COLUMN merge_candidates.left_lead_ids IS
    'The leads of the left person when it was judged: the judgement follows them.';

CREATE TABLE erased (
    team_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    key_id text NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (team_id, kind, hash)
);
COMMENT ON TABLE erased IS
    'Claims of people who were erased, so that no import brings them back.';
COMMENT ON COLUMN erased.hash IS 'HMAC-SHA-256 of kind and value, under a key that is not in here.';
COMMENT ON COLUMN erased.key_id IS 'Which key: the first 16 hex digits of its SHA-256.';

CREATE FUNCTION leadfold_find_persona(team text, persona text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
    WITH RECURSIVE chain AS (
        SELECT p.persona_id, p.merged_into
        FROM personas AS p WHERE p.team_id = team AND p.persona_id = persona
        UNION
        SELECT p.persona_id, p.merged_into
        FROM chain AS c JOIN personas AS p ON p.team_id = team AND p.persona_id = c.merged_into
    )
    SELECT persona_id FROM chain WHERE merged_into IS NULL
$$;
COMMENT ON FUNCTION leadfold_find_persona IS
    'Who a persona is by now: itself, or who took over when it was merged, however often.';

CREATE OR REPLACE FUNCTION leadfold_edit_lead() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    fields CONSTANT text[] := ARRAY['lead_status'];
BEGIN
    NEW := jsonb_populate_record(
        NEW, leadfold_note_edits(fields, to_jsonb(OLD), to_jsonb(NEW))
    );
    NEW.updated_at := OLD.updated_at;
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    -- A lead that was stated once is its own statement, which no hand may change.
    IF NEW.lead_status IS DISTINCT FROM OLD.lead_status AND NOT EXISTS (
        SELECT FROM lead_versions AS v WHERE v.team_id = OLD.team_id AND v.lead_id = OLD.lead_id
    ) THEN
        INSERT INTO lead_versions
        SELECT (jsonb_populate_record(NULL::lead_versions, to_jsonb(OLD))).*;
    END IF;
    RETURN NEW;
END
$$;
