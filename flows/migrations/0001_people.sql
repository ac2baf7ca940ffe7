-- Teams, the ledger, and people: leads, personas and the claims that identify them.
--
-- Every key of a team's data starts with team_id. Keys and claim values sort by bytes (collation
-- "C"), so that our order is the index's. There are no foreign keys between leads, identities and
-- personas: they would cost a lookup per row, and only plans write these rows. Nor is there one to
-- teams: it would lock the team's row in each import, also in one that changes nothing.

CREATE TABLE teams (
    team_id text COLLATE "C" PRIMARY KEY CHECK (team_id ~ '^[a-z0-9][a-z0-9_]{0,62}$'),
    name text NOT NULL UNIQUE,
    region text NOT NULL DEFAULT 'US' CHECK (region ~ '^[A-Z]{2}$'),
    policy text NOT NULL DEFAULT 'default',
    change_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN teams.region IS 'Region of phones that name no country. ISO 3166 alpha-2.';
COMMENT ON COLUMN teams.change_seq IS 'Raised by each commit that changes the team''s data.';

CREATE TABLE imports (
    import_id text COLLATE "C" PRIMARY KEY,
    team_id text COLLATE "C" NOT NULL,
    source text NOT NULL,
    source_file text NOT NULL,
    file_name text NOT NULL,
    file_hash text,
    file_bytes bigint,
    cause text NOT NULL DEFAULT 'file'
        CHECK (cause IN ('file', 'rules', 'refold', 'undo', 'correction')),
    status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'done', 'held', 'failed')),
    reason text,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    rows_landed bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_deleted bigint NOT NULL DEFAULT 0,
    match jsonb NOT NULL DEFAULT '{}',
    effects jsonb NOT NULL DEFAULT '{}',
    rules text,
    issues_import_id text COLLATE "C" REFERENCES imports,
    CONSTRAINT imports_every_row_is_accounted_for CHECK (
        status <> 'done'
        OR rows_landed = rows_rejected + rows_duplicate + rows_inserted
            + rows_updated + rows_unchanged + rows_deleted
    )
);
COMMENT ON TABLE imports IS 'The ledger: one row per import.';
COMMENT ON COLUMN imports.file_hash IS 'SHA-256 of the landed file, hex.';
COMMENT ON COLUMN imports.match IS 'Records by the way they found their person.';
COMMENT ON COLUMN imports.effects IS 'Table -> action -> rows.';
COMMENT ON COLUMN imports.rules IS
    'Digest of contract, region and code version by which the rows were read.';
COMMENT ON COLUMN imports.issues_import_id IS
    'The earlier import of the same file whose import_issues are those of this one.';
CREATE INDEX imports_team_idx ON imports (team_id, import_id);
CREATE INDEX imports_source_file_idx ON imports (team_id, source_file, import_id);
CREATE INDEX imports_file_idx ON imports (team_id, file_hash);

CREATE TABLE import_issues (
    import_id text COLLATE "C" NOT NULL REFERENCES imports,
    team_id text COLLATE "C" NOT NULL,
    line_no bigint NOT NULL,
    severity text NOT NULL CHECK (severity IN ('issue', 'reject')),
    code text NOT NULL,
    field text,
    message text NOT NULL,
    raw bytea,
    encoding text
);
COMMENT ON TABLE import_issues IS 'Rejected rows and damaged cells.';
COMMENT ON COLUMN import_issues.raw IS
    'Of a reject: the record''s bytes as they stand in the file. Of an issue: the cell''s text.';
CREATE INDEX import_issues_line_idx ON import_issues (import_id, line_no);

CREATE TABLE personas (
    team_id text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C" NOT NULL,
    crm_id text,
    phone text COLLATE "C",
    email text COLLATE "C",
    honorific text,
    first_name text,
    middle_name text,
    last_name text,
    suffix text,
    full_name text,
    company text,
    job_title text,
    st_address text,
    city text,
    state text,
    zip text,
    country text,
    is_phone_exclusive boolean NOT NULL DEFAULT true,
    merged_into text COLLATE "C",
    import_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, persona_id)
);
COMMENT ON TABLE personas IS 'One row per person: the golden record.';
COMMENT ON COLUMN personas.import_id IS 'The import that last changed the row.';
CREATE UNIQUE INDEX personas_phone_unique_idx ON personas (team_id, phone)
    WHERE is_phone_exclusive AND merged_into IS NULL AND phone <> '';

CREATE TABLE identities (
    team_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C" NOT NULL,
    is_exclusive boolean NOT NULL DEFAULT true,
    PRIMARY KEY (team_id, kind, value, persona_id)
);
COMMENT ON TABLE identities IS
    'One row per claim: kind is phone, email, or the name space of a CRM''s ids.';
CREATE UNIQUE INDEX identities_exclusive_unique_idx ON identities (team_id, kind, value)
    WHERE is_exclusive;
CREATE INDEX identities_persona_idx ON identities (team_id, persona_id);

CREATE TABLE leads (
    team_id text COLLATE "C" NOT NULL,
    lead_id text COLLATE "C" NOT NULL,
    source text NOT NULL,
    source_file text COLLATE "C" NOT NULL,
    source_record_id text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C" NOT NULL,
    crm_id text,
    phones text[] NOT NULL DEFAULT '{}',
    emails text[] NOT NULL DEFAULT '{}',
    honorific text,
    first_name text,
    middle_name text,
    last_name text,
    suffix text,
    full_name text,
    company text,
    job_title text,
    st_address text,
    city text,
    state text,
    zip text,
    country text,
    product text,
    lead_status text,
    niche text,
    device_id text,
    user_id text,
    opt_outs text[] NOT NULL DEFAULT '{}',
    clock timestamptz,
    fields jsonb NOT NULL DEFAULT '{}',
    fingerprint uuid,
    import_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, lead_id)
);
COMMENT ON TABLE leads IS 'One row per source record: what it says about a person.';
COMMENT ON COLUMN leads.opt_outs IS 'Channels that the source says the person opted out of.';
COMMENT ON COLUMN leads.clock IS 'When the source last changed the record, if it says so.';
COMMENT ON COLUMN leads.fields IS '{"extra": {header: text}}: what the contract does not name.';
COMMENT ON COLUMN leads.fingerprint IS '128 bits of the record''s rows as they came.';
CREATE UNIQUE INDEX leads_source_record_unique_idx
    ON leads (team_id, source_record_id, source_file);
CREATE INDEX leads_persona_idx ON leads (team_id, persona_id);
