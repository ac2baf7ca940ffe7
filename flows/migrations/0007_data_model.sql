-- The rest of the data model: one table for each contract in contracts/tables, and what imports
-- said of their rows.
--
-- Keys are those of the given data model; its index names are kept where it has one. There are no
-- foreign keys, as between leads and personas: only plans write these rows. Rows that are put in or
-- edited by hand are noted as such, and imports leave what was edited alone.

CREATE FUNCTION leadfold_new_id(prefix text) RETURNS text
LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
    SELECT prefix || substr(leadfold_new_persona_id(), length('persona') + 1)
$$;
COMMENT ON FUNCTION leadfold_new_id IS 'An id for a row that is inserted by hand.';

CREATE TABLE row_statements (
    team_id text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    row_id text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    line_no bigint NOT NULL,
    stated_at timestamptz,
    cells jsonb NOT NULL,
    PRIMARY KEY (team_id, table_name, row_id, import_id, line_no)
);
COMMENT ON TABLE row_statements IS
    'What each import said of a row that several statements are about. A row without any was stated'
    ' once, and is as it was stated.';
COMMENT ON COLUMN row_statements.cells IS 'Column -> text, of those that were stated.';
CREATE INDEX row_statements_import_idx ON row_statements (team_id, import_id);

CREATE FUNCTION leadfold_edit_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    id_column CONSTANT text := TG_ARGV[0];
    written CONSTANT jsonb := to_jsonb(NEW);
    stored jsonb := '{}';
    fields CONSTANT text[] := ARRAY(
        SELECT name FROM jsonb_object_keys(written) AS name
        WHERE name <> ALL (ARRAY[
            'team_id', id_column, 'stated_at', 'edited_fields', 'import_id', 'created_at',
            'updated_at'
        ])
    );
BEGIN
    IF TG_OP = 'UPDATE' THEN
        stored := to_jsonb(OLD);
        IF (written -> 'team_id', written -> id_column)
            IS DISTINCT FROM (stored -> 'team_id', stored -> id_column)
        THEN
            RAISE EXCEPTION 'The team and the id of a row cannot be changed (% of %).',
                stored ->> id_column, TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- A row that was stated once is its own statement, which no hand may change.
        IF OLD.import_id <> '' AND NOT EXISTS (
            SELECT FROM row_statements AS s
            WHERE s.team_id = OLD.team_id AND s.table_name = TG_TABLE_NAME
                AND s.row_id = stored ->> id_column
        ) THEN
            INSERT INTO row_statements (
                team_id, table_name, row_id, import_id, line_no, stated_at, cells
            )
            SELECT OLD.team_id, TG_TABLE_NAME, stored ->> id_column, OLD.import_id, 0,
                OLD.stated_at, coalesce(jsonb_object_agg(field, stored ->> field), '{}')
            FROM unnest(fields) AS field
            WHERE stored ->> field IS NOT NULL;
        END IF;
    END IF;
    NEW := jsonb_populate_record(NEW, leadfold_note_edits(fields, stored, written));
    NEW.import_id := coalesce(NEW.import_id, '');
    IF TG_OP = 'UPDATE' THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION leadfold_edit_row IS
    'Notes what is edited by hand in a row of a keyed table, whose id column is the argument.';

ALTER TABLE lead_activities
    ADD COLUMN stated_at timestamptz,
    ADD COLUMN edited_fields jsonb,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ALTER COLUMN activity_id SET DEFAULT leadfold_new_id('activity'),
    ALTER COLUMN description DROP NOT NULL,
    ALTER COLUMN import_id SET DEFAULT '';
COMMENT ON COLUMN lead_activities.external_id IS
    'What the source calls it. Null: an import noted it, or somebody by hand.';
ALTER INDEX lead_activities_external_unique_idx RENAME TO lead_activities_external_id_unique_idx;

CREATE TABLE boards (
    team_id text COLLATE "C" NOT NULL,
    board_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('board'),
    name text COLLATE "C" NOT NULL,
    type text,
    rules jsonb,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, board_id)
);
COMMENT ON TABLE boards IS 'A board that leads are put on.';
CREATE UNIQUE INDEX boards_team_name_unique_idx
    ON boards (team_id, name);

CREATE TABLE businesses (
    team_id text COLLATE "C" NOT NULL,
    business_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('business'),
    source_record_id text COLLATE "C" NOT NULL,
    source_file text COLLATE "C" NOT NULL,
    name text NOT NULL,
    phone text COLLATE "C",
    email text,
    website text,
    industry text,
    st_address text,
    city text,
    state text,
    zip text,
    country text,
    employees bigint,
    annual_revenue numeric,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, business_id)
);
COMMENT ON TABLE businesses IS 'A business, as one record of one source states it.';
CREATE UNIQUE INDEX businesses_source_dedup_idx
    ON businesses (team_id, source_record_id, source_file);

CREATE TABLE business_owners (
    team_id text COLLATE "C" NOT NULL,
    business_owner_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('business_owner'),
    persona_id text COLLATE "C" NOT NULL,
    business_id text COLLATE "C" NOT NULL,
    role text,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, business_owner_id)
);
COMMENT ON TABLE business_owners IS 'A person who owns a business.';
CREATE UNIQUE INDEX business_owners_unique_idx
    ON business_owners (team_id, persona_id, business_id);

CREATE TABLE campaign_leads (
    team_id text COLLATE "C" NOT NULL,
    campaign_lead_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('campaign_lead'),
    campaign_id text COLLATE "C" NOT NULL,
    lead_id text COLLATE "C" NOT NULL,
    added_at timestamptz,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, campaign_lead_id)
);
COMMENT ON TABLE campaign_leads IS 'A lead that is part of a campaign.';
CREATE UNIQUE INDEX campaign_leads_unique_idx
    ON campaign_leads (team_id, campaign_id, lead_id);
CREATE INDEX campaign_leads_lead_idx ON campaign_leads (team_id, lead_id);

CREATE TABLE unified_lead_cards (
    team_id text COLLATE "C" NOT NULL,
    lead_card_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('lead_card'),
    persona_id text COLLATE "C" NOT NULL,
    total_score numeric,
    enrichment_status text,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, lead_card_id)
);
COMMENT ON TABLE unified_lead_cards IS 'The card of a person, with score and state of enrichment.';
CREATE UNIQUE INDEX unified_lead_cards_persona_unique_idx
    ON unified_lead_cards (team_id, persona_id);

CREATE TABLE campaign_queue (
    team_id text COLLATE "C" NOT NULL,
    campaign_queue_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('campaign_queue'),
    lead_card_id text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    status text NOT NULL,
    scheduled_at timestamptz,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, campaign_queue_id)
);
COMMENT ON TABLE campaign_queue IS 'A card that waits for an agent to contact its person.';
CREATE UNIQUE INDEX campaign_queue_pending_unique_idx
    ON campaign_queue (team_id, lead_card_id, agent, channel) WHERE status = 'pending';

CREATE TABLE import_deliveries (
    team_id text COLLATE "C" NOT NULL,
    import_delivery_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('import_delivery'),
    delivery_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C",
    delivered_at timestamptz,
    processing_time_ms bigint,
    persona_id text COLLATE "C",
    status text,
    match_type text,
    message text,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, import_delivery_id)
);
COMMENT ON TABLE import_deliveries IS 'A delivery of a webhook, and what became of it.';
CREATE UNIQUE INDEX import_deliveries_unique_idx
    ON import_deliveries (team_id, delivery_id);
CREATE INDEX import_deliveries_persona_idx ON import_deliveries (team_id, persona_id);

CREATE TABLE integrations (
    team_id text COLLATE "C" NOT NULL,
    integration_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('integration'),
    name text COLLATE "C" NOT NULL,
    provider text,
    status text,
    settings jsonb,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, integration_id)
);
COMMENT ON TABLE integrations IS 'A system that is connected to a team.';
CREATE UNIQUE INDEX integrations_name_team_unique_idx
    ON integrations (team_id, name);

CREATE TABLE integration_fields (
    team_id text COLLATE "C" NOT NULL,
    integration_field_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('integration_field'),
    integration_id text COLLATE "C" NOT NULL,
    module_name text COLLATE "C" NOT NULL,
    source_field text COLLATE "C" NOT NULL,
    target_field text,
    field_type text,
    is_mandatory boolean,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, integration_field_id)
);
COMMENT ON TABLE integration_fields IS 'A field of an integration''s module, and what it fills.';
CREATE UNIQUE INDEX integration_fields_unique_idx
    ON integration_fields (team_id, integration_id, module_name, source_field);

CREATE TABLE messages (
    team_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('message'),
    external_id text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C",
    direction text,
    channel text,
    body text,
    status text,
    sent_at timestamptz,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, message_id)
);
COMMENT ON TABLE messages IS 'A message to or from a person.';
CREATE UNIQUE INDEX messages_external_id_unique_idx
    ON messages (external_id);
CREATE INDEX messages_persona_idx ON messages (team_id, persona_id);

CREATE TABLE properties (
    team_id text COLLATE "C" NOT NULL,
    property_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('property'),
    external_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    persona_id text COLLATE "C",
    st_address text,
    city text,
    state text,
    zip text,
    county text,
    apn text COLLATE "C",
    property_type text,
    bedrooms bigint,
    bathrooms numeric,
    square_feet bigint,
    year_built bigint,
    estimated_value numeric,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, property_id)
);
COMMENT ON TABLE properties IS 'A property, as one provider states it.';
CREATE UNIQUE INDEX properties_external_id_source_unique_idx
    ON properties (external_id, source);
CREATE INDEX properties_persona_idx ON properties (team_id, persona_id);

CREATE TABLE property_distress_scores (
    team_id text COLLATE "C" NOT NULL,
    distress_score_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('distress_score'),
    provider text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    score numeric NOT NULL,
    reasons text,
    scored_at timestamptz,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, distress_score_id)
);
COMMENT ON TABLE property_distress_scores IS 'A provider''s newest score of a property.';
CREATE UNIQUE INDEX property_distress_scores_provider_external_id_unique_idx
    ON property_distress_scores (provider, external_id);

CREATE TABLE skiptrace_results (
    team_id text COLLATE "C" NOT NULL,
    skiptrace_result_id text COLLATE "C" NOT NULL DEFAULT leadfold_new_id('skiptrace_result'),
    persona_id text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    success boolean,
    raw_response jsonb,
    processed_at timestamptz,
    stated_at timestamptz,
    edited_fields jsonb,
    import_id text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, skiptrace_result_id)
);
COMMENT ON TABLE skiptrace_results IS 'A provider''s newest answer about a person.';
CREATE UNIQUE INDEX skiptrace_results_persona_provider_idx
    ON skiptrace_results (team_id, persona_id, provider);

ALTER TABLE imports
    ADD COLUMN assigned jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN repeated_rows bytea;
COMMENT ON COLUMN imports.repeated_rows IS
    'The same as repeated, of rows of keyed tables: digests of what it states that others had stated.';
COMMENT ON COLUMN imports.assigned IS 'Board -> new or changed leads that the rules put on it.';

-- How a lead came, and on which board it is.
ALTER TABLE leads
    ADD COLUMN stage text,
    ADD COLUMN score numeric,
    ADD COLUMN lead_source text,
    ADD COLUMN board_id text COLLATE "C",
    ADD COLUMN board_name text,
    ADD COLUMN integration_id text COLLATE "C" GENERATED ALWAYS AS (
        CASE WHEN source_file LIKE 'integration:%' THEN substr(source_file, 13) END
    ) STORED,
    ADD COLUMN external_id text COLLATE "C" GENERATED ALWAYS AS (
        CASE WHEN source_file LIKE 'integration:%' THEN source_record_id END
    ) STORED;
CREATE UNIQUE INDEX leads_integration_external_unique_idx
    ON leads (team_id, integration_id, external_id) WHERE integration_id IS NOT NULL;
COMMENT ON COLUMN leads.integration_id IS
    'The name of the integration (table integrations) that it came by, if its contract has one.';
COMMENT ON COLUMN leads.external_id IS 'What that integration calls it.';
COMMENT ON COLUMN leads.score IS 'As the source scores it; the team''s own is unified_lead_cards.';
ALTER TABLE lead_versions
    ADD COLUMN stage text,
    ADD COLUMN score numeric;
ALTER TABLE leads ALTER COLUMN lead_source SET DEFAULT 'manual';
COMMENT ON COLUMN leads.lead_source IS
    'How it came first: import, webhook (recorded deliveries), or manual (by hand). Null: before this'
    ' was noted.';
COMMENT ON COLUMN leads.board_id IS
    'The board that the team''s rules put it on, or somebody by hand, which stays.';

CREATE OR REPLACE FUNCTION leadfold_edit_lead() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    fields CONSTANT text[] := ARRAY['lead_status', 'stage', 'score', 'board_id', 'board_name'];
BEGIN
    NEW := jsonb_populate_record(
        NEW, leadfold_note_edits(fields, to_jsonb(OLD), to_jsonb(NEW))
    );
    NEW.updated_at := OLD.updated_at;
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    -- A lead that was stated once is its own statement, which no hand may change.
    IF (NEW.lead_status, NEW.stage, NEW.score)
            IS DISTINCT FROM (OLD.lead_status, OLD.stage, OLD.score)
        AND NOT EXISTS (
            SELECT FROM lead_versions AS v
            WHERE v.team_id = OLD.team_id AND v.lead_id = OLD.lead_id
        )
    THEN
        INSERT INTO lead_versions
        SELECT (jsonb_populate_record(NULL::lead_versions, to_jsonb(OLD))).*;
    END IF;
    RETURN NEW;
END
$$;

-- Each notes what is edited by hand, and is silent while leadfold.import_id is set.
CREATE TRIGGER leadfold_edit_boards BEFORE INSERT OR UPDATE ON boards
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('board_id');
CREATE TRIGGER leadfold_edit_businesses BEFORE INSERT OR UPDATE ON businesses
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('business_id');
CREATE TRIGGER leadfold_edit_business_owners BEFORE INSERT OR UPDATE ON business_owners
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('business_owner_id');
CREATE TRIGGER leadfold_edit_campaign_leads BEFORE INSERT OR UPDATE ON campaign_leads
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('campaign_lead_id');
CREATE TRIGGER leadfold_edit_unified_lead_cards BEFORE INSERT OR UPDATE ON unified_lead_cards
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('lead_card_id');
CREATE TRIGGER leadfold_edit_campaign_queue BEFORE INSERT OR UPDATE ON campaign_queue
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('campaign_queue_id');
CREATE TRIGGER leadfold_edit_import_deliveries BEFORE INSERT OR UPDATE ON import_deliveries
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('import_delivery_id');
CREATE TRIGGER leadfold_edit_integrations BEFORE INSERT OR UPDATE ON integrations
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('integration_id');
CREATE TRIGGER leadfold_edit_integration_fields BEFORE INSERT OR UPDATE ON integration_fields
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('integration_field_id');
CREATE TRIGGER leadfold_edit_lead_activities BEFORE INSERT OR UPDATE ON lead_activities
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('activity_id');
CREATE TRIGGER leadfold_edit_messages BEFORE INSERT OR UPDATE ON messages
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('message_id');
CREATE TRIGGER leadfold_edit_properties BEFORE INSERT OR UPDATE ON properties
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('property_id');
CREATE TRIGGER leadfold_edit_property_distress_scores BEFORE INSERT OR UPDATE ON property_distress_scores
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('distress_score_id');
CREATE TRIGGER leadfold_edit_skiptrace_results BEFORE INSERT OR UPDATE ON skiptrace_results
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_row('skiptrace_result_id');

-- The phones and emails of people are claims, of which identities is the one truth.
CREATE VIEW persona_phones AS
SELECT team_id, persona_id, value AS normalized_number, is_exclusive
FROM identities WHERE kind = 'phone';
COMMENT ON VIEW persona_phones IS 'The phones of each persona, E.164, each once.';

CREATE VIEW persona_emails AS
SELECT team_id, persona_id, value AS address, is_exclusive
FROM identities WHERE kind = 'email';
COMMENT ON VIEW persona_emails IS
    'The emails of each persona, each once, in the form in which they are compared.';
