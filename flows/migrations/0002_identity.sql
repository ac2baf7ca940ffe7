-- What identity, survivorship and undo need to remember: the policy in effect, statements by
-- import, how personas came about, links held back, opt-outs, tombstones and activities.
--
-- Columns that are empty for most rows are null, not '{}' or an empty array: a null takes no room.

ALTER TABLE teams ADD COLUMN policy_rules jsonb;
COMMENT ON COLUMN teams.policy_rules IS
    'The policy in effect, whole. Null: as the file of its name says. Only a refold changes it.';

ALTER TABLE imports
    ADD COLUMN conflicts jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN records_missing bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN imports.conflicts IS
    'Constraint, or row_version -> tries that were rolled back since another writer was faster.';
COMMENT ON COLUMN imports.records_missing IS
    'Records of a snapshot feed that this file no longer has; they are no rows of it.';

ALTER TABLE personas
    ADD COLUMN tags text[],
    ADD COLUMN profile_name text,
    ADD COLUMN edited_fields jsonb,
    ADD COLUMN is_ended boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN personas.edited_fields IS 'Field -> time at which somebody edited it by hand.';
COMMENT ON COLUMN personas.is_ended IS 'All of its leads ended: the source deleted them.';
COMMENT ON COLUMN personas.merged_into IS 'The persona that took over its leads and claims.';

ALTER TABLE leads
    ADD COLUMN tags text[],
    ADD COLUMN profile_name text,
    ADD COLUMN conversation_id text,
    ADD COLUMN note text,
    ADD COLUMN last_activity_at timestamptz,
    ADD COLUMN is_deleted boolean NOT NULL DEFAULT false,
    ADD COLUMN is_missing boolean NOT NULL DEFAULT false,
    ADD COLUMN claims text[] COLLATE "C",
    ADD COLUMN field_clocks jsonb,
    ADD COLUMN edited_fields jsonb;
COMMENT ON COLUMN leads.is_deleted IS 'A tombstone: the source says that it deleted the record.';
COMMENT ON COLUMN leads.is_missing IS 'The last snapshot of the feed no longer had the record.';
COMMENT ON COLUMN leads.claims IS
    'Claims of superseded and duplicate rows, beside those of the row''s columns: kind=value.';
COMMENT ON COLUMN leads.field_clocks IS
    'Field -> its clock, for those whose clock is not that of the lead, or that were cleared then.';

CREATE TABLE lead_versions (
    team_id text COLLATE "C" NOT NULL,
    lead_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    crm_id text,
    phones text[] NOT NULL DEFAULT '{}',
    emails text[] NOT NULL DEFAULT '{}',
    honorific text,
    first_name text,
    middle_name text,
    last_name text,
    suffix text,
    full_name text,
    profile_name text,
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
    conversation_id text,
    note text,
    tags text[],
    last_activity_at timestamptz,
    is_deleted boolean NOT NULL DEFAULT false,
    is_missing boolean NOT NULL DEFAULT false,
    clock timestamptz,
    fields jsonb NOT NULL DEFAULT '{}',
    claims text[] COLLATE "C",
    field_clocks jsonb,
    fingerprint uuid,
    PRIMARY KEY (team_id, lead_id, import_id)
);
COMMENT ON TABLE lead_versions IS
    'What each import said of a record that several stated. A lead without any was stated once.';

CREATE TABLE persona_versions (
    team_id text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    previous_import_id text COLLATE "C",
    change text NOT NULL CHECK (change IN ('update', 'merge', 'end', 'revive')),
    changes jsonb NOT NULL,
    PRIMARY KEY (team_id, persona_id, import_id)
);
COMMENT ON TABLE persona_versions IS 'How an import changed a persona that was there before.';
COMMENT ON COLUMN persona_versions.changes IS
    'Field -> {before, after, rule, source, lead_id}; of a merge also leads: the ids that moved.';

CREATE TABLE merge_candidates (
    team_id text COLLATE "C" NOT NULL,
    left_id text COLLATE "C" NOT NULL,
    right_id text COLLATE "C" NOT NULL,
    guard text NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    evidence jsonb NOT NULL,
    left_lead_id text COLLATE "C",
    right_lead_id text COLLATE "C",
    judgement text CHECK (judgement IN ('same', 'not_same')),
    judged_by text,
    judged_at timestamptz,
    import_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, left_id, right_id)
);
COMMENT ON TABLE merge_candidates IS
    'Pairs of personas that may be one: a link that a guard held back, with its evidence.';
COMMENT ON COLUMN merge_candidates.left_id IS
    'The older persona. Of a shared value, which makes one row for all its people: its kind.';
COMMENT ON COLUMN merge_candidates.right_id IS 'The other persona, or the shared value.';
CREATE INDEX merge_candidates_apart_idx ON merge_candidates (team_id, left_lead_id)
    WHERE judgement = 'not_same';
CREATE INDEX merge_candidates_right_idx ON merge_candidates (team_id, right_id);

CREATE TABLE opt_outs (
    team_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    channel text NOT NULL CHECK (channel IN ('phone', 'sms', 'email')),
    source_file text COLLATE "C" NOT NULL,
    stated_at timestamptz,
    import_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, kind, value, channel, source_file)
);
COMMENT ON TABLE opt_outs IS
    'Statements that somebody opted out. Append-only: no import ever opts anybody in again.';
COMMENT ON COLUMN opt_outs.kind IS
    'A claim''s kind; ''record'' where the row has none to hang it on: value is its record id.';

CREATE FUNCTION leadfold_email_key(email text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
DECLARE
    -- Collation "C": in a Turkish database, lower('I') is no i.
    address CONSTANT text := lower(btrim(email, E' \t\r\n') COLLATE "C");
    mailbox text := substring(address FROM '^(.+)@[^@]+$');
    domain text := substring(address FROM '@([^@]+)$');
BEGIN
    IF mailbox IS NULL THEN
        RETURN NULL;
    END IF;
    IF mailbox ~ '^[^+@]+\+' AND domain IN (
        'gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'live.com', 'msn.com',
        'icloud.com', 'me.com', 'mac.com', 'fastmail.com', 'fastmail.fm', 'pobox.com',
        'protonmail.com', 'protonmail.ch', 'proton.me', 'pm.me', 'mailbox.org',
        'yandex.com', 'yandex.ru', 'ya.ru'
    ) THEN
        mailbox := split_part(mailbox, '+', 1);
    END IF;
    IF domain IN ('gmail.com', 'googlemail.com') THEN
        mailbox := replace(mailbox, '.', '');
        domain := 'gmail.com';
    END IF;
    RETURN mailbox || '@' || domain;
END
$$;
COMMENT ON FUNCTION leadfold_email_key IS
    'The form by which two addresses are one mailbox, as transforms.emails.key_emails makes it, but '
    'for its list of stand-ins. Null of what is no address.';

INSERT INTO opt_outs (team_id, kind, value, channel, source_file, stated_at, import_id)
SELECT l.team_id, said.kind, said.value, channel, l.source_file, l.clock, l.import_id
FROM leads AS l
CROSS JOIN LATERAL unnest(l.opt_outs) AS channel
CROSS JOIN LATERAL (
    SELECT 'phone' AS kind, unnest(l.phones) AS value WHERE channel IN ('phone', 'sms')
    UNION
    SELECT 'email', leadfold_email_key(unnest(l.emails)) WHERE channel = 'email'
    UNION
    SELECT 'record', l.source_record_id
) AS said
WHERE said.value IS NOT NULL
ON CONFLICT DO NOTHING;
ALTER TABLE leads DROP COLUMN opt_outs;

CREATE TABLE lead_activities (
    team_id text COLLATE "C" NOT NULL,
    activity_id text COLLATE "C" NOT NULL,
    lead_id text COLLATE "C" NOT NULL,
    activity_type text NOT NULL,
    description text NOT NULL,
    user_id text,
    external_id text COLLATE "C",
    occurred_at timestamptz,
    import_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, activity_id)
);
COMMENT ON TABLE lead_activities IS 'What happened to a lead.';
CREATE UNIQUE INDEX lead_activities_external_unique_idx
    ON lead_activities (team_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX lead_activities_lead_idx ON lead_activities (team_id, lead_id);
