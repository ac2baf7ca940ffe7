-- Writers that are not Leadfold: what they edit by hand is noted, and claims follow what they write.
--
-- All triggers here are silent while the setting leadfold.import_id is set, as apply, undo and
-- refold do (SET LOCAL): their plans state edited_fields and identities themselves. The test stands
-- in WHEN, so that no function is called for a row of theirs. After a SET LOCAL the setting is '',
-- not null. Each function has a search path of its own: the writer's may begin with anything.

-- A hand's '' and empty list are blanks: they say that the sources may fill the field again.
CREATE FUNCTION leadfold_note_edits(fields text[], stored jsonb, written jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    blanks CONSTANT jsonb[] := ARRAY['null', '""', '[]'];
    edited_at CONSTANT text :=
        to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    -- Of the stored row: what a writer puts into edited_fields himself is no edit.
    edited jsonb := coalesce(nullif(stored -> 'edited_fields', 'null'), '{}');
    patch jsonb := '{}';
    field text;
BEGIN
    FOREACH field IN ARRAY fields LOOP
        IF (written -> field) = ANY (blanks) THEN
            patch := patch || jsonb_build_object(field, NULL);
            edited := edited - field;
        ELSIF (written -> field) IS DISTINCT FROM (stored -> field) THEN
            edited := edited || jsonb_build_object(field, edited_at);
        END IF;
    END LOOP;
    RETURN patch || jsonb_build_object('edited_fields', nullif(edited, '{}'));
END
$$;
COMMENT ON FUNCTION leadfold_note_edits IS
    'What to change in a row that is written by hand: blanks made null, and edited_fields.';

CREATE FUNCTION leadfold_base32(number bigint, length integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
DECLARE
    digits text := '';
BEGIN
    FOR place IN REVERSE length - 1 .. 0 LOOP
        digits := digits || substr(
            '0123456789ABCDEFGHJKMNPQRSTVWXYZ', (number >> 5 * place & 31)::integer + 1, 1
        );
    END LOOP;
    RETURN digits;
END
$$;
COMMENT ON FUNCTION leadfold_base32 IS
    'The lowest digits of a number in Crockford''s base 32, as many as are asked for.';

CREATE FUNCTION leadfold_new_persona_id() RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    milliseconds CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    -- Only 40 bits from either end: those between are not all random.
    random_hex CONSTANT text := replace(gen_random_uuid()::text, '-', '');
BEGIN
    RETURN 'persona_' || leadfold_base32(milliseconds, 10)
        || leadfold_base32(('x' || left(random_hex, 10))::bit(40)::bigint, 8)
        || leadfold_base32(('x' || right(random_hex, 10))::bit(40)::bigint, 8);
END
$$;
COMMENT ON FUNCTION leadfold_new_persona_id IS
    'An id for a persona that is inserted by hand: the time in milliseconds and 80 random bits.';

ALTER TABLE personas
    ALTER COLUMN persona_id SET DEFAULT leadfold_new_persona_id(),
    ALTER COLUMN import_id SET DEFAULT '';
COMMENT ON COLUMN personas.import_id IS
    'The import that last changed the row. Empty: none did, it was inserted by hand.';
COMMENT ON COLUMN personas.edited_fields IS
    'Field -> time at which somebody edited it by hand, UTC. Kept by triggers. A field that is '
    'emptied by hand is free for the sources again. Null: nothing was edited.';
COMMENT ON COLUMN personas.is_phone_exclusive IS
    'Whether the phone identifies this persona alone, as in identities; not that of a shared line.';
COMMENT ON COLUMN leads.edited_fields IS
    'Field -> time at which somebody edited it by hand, as in personas.';

CREATE FUNCTION leadfold_edit_persona() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    fields CONSTANT text[] := ARRAY[
        'crm_id', 'phone', 'email', 'honorific', 'first_name', 'middle_name', 'last_name',
        'suffix', 'full_name', 'profile_name', 'company', 'job_title', 'st_address', 'city',
        'state', 'zip', 'country', 'tags'
    ];
    is_update CONSTANT boolean := TG_OP = 'UPDATE';
    is_new_phone boolean;
BEGIN
    IF is_update AND (NEW.team_id, NEW.persona_id) IS DISTINCT FROM (OLD.team_id, OLD.persona_id)
    THEN
        RAISE EXCEPTION 'The team and the id of a persona cannot be changed (% of team %).',
            OLD.persona_id, OLD.team_id
            USING ERRCODE = 'integrity_constraint_violation',
                HINT = 'Its leads and claims refer to it by them. Insert a new persona instead.';
    END IF;
    NEW := jsonb_populate_record(
        NEW,
        leadfold_note_edits(
            fields, CASE WHEN is_update THEN to_jsonb(OLD) ELSE '{}' END, to_jsonb(NEW)
        )
    );
    NEW.import_id := coalesce(NEW.import_id, '');

    is_new_phone := NOT is_update
        OR NEW.phone IS DISTINCT FROM OLD.phone
        OR (NEW.merged_into IS NULL AND OLD.merged_into IS NOT NULL);
    IF is_update AND is_new_phone AND NOT OLD.is_phone_exclusive THEN
        -- That was said of the old phone.
        NEW.is_phone_exclusive := true;
    END IF;
    IF NEW.merged_into IS NULL AND NEW.phone IS NOT NULL
        AND (is_new_phone OR NEW.is_phone_exclusive <> OLD.is_phone_exclusive)
    THEN
        -- Others decide: a shared phone is not to be had alone, and one that is held alone is not
        -- to be shared by calling it so (true runs into the unique indexes).
        NEW.is_phone_exclusive := coalesce(
            (
                SELECT bool_and(i.is_exclusive)
                FROM identities AS i
                WHERE i.team_id = NEW.team_id AND i.kind = 'phone' AND i.value = NEW.phone
                    AND (i.persona_id <> NEW.persona_id OR is_new_phone AND NOT i.is_exclusive)
            ),
            NEW.is_phone_exclusive
        );
    END IF;

    IF is_update THEN
        NEW.updated_at := OLD.updated_at;
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.updated_at := now();
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER leadfold_edit_persona BEFORE INSERT OR UPDATE ON personas
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_persona();
COMMENT ON TRIGGER leadfold_edit_persona ON personas IS
    'Notes what is edited by hand. Silent while leadfold.import_id is set.';

CREATE FUNCTION leadfold_release_claim(team text, persona text, claim_kind text, claim_value text)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM identities AS i
    WHERE i.team_id = team AND i.persona_id = persona
        AND i.kind = claim_kind AND i.value = claim_value
        AND NOT EXISTS (
            SELECT FROM leads AS l
            WHERE l.team_id = team AND l.persona_id = persona
                AND (
                    (claim_kind = 'phone' AND claim_value = ANY (l.phones))
                    OR (
                        claim_kind = 'email'
                        AND EXISTS (
                            SELECT FROM unnest(l.emails) AS stated
                            WHERE leadfold_email_key(stated) = claim_value
                        )
                    )
                    OR claim_kind || '=' || claim_value = ANY (l.claims)
                )
        );
END
$$;
COMMENT ON FUNCTION leadfold_release_claim IS
    'Takes a claim from a persona, unless one of its leads states it. Of null it takes nothing.';

CREATE FUNCTION leadfold_follow_claims() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    is_update CONSTANT boolean := TG_OP = 'UPDATE';
    email_key text;
    old_email_key text;
    was_live boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM identities AS i
        WHERE i.team_id = OLD.team_id AND i.persona_id = OLD.persona_id;
        RETURN NULL;
    END IF;
    IF NEW.merged_into IS NOT NULL THEN
        DELETE FROM identities AS i
        WHERE i.team_id = NEW.team_id AND i.persona_id = NEW.persona_id;
        RETURN NULL;
    END IF;

    email_key := leadfold_email_key(NEW.email);
    IF is_update THEN
        was_live := OLD.merged_into IS NULL;
        old_email_key := leadfold_email_key(OLD.email);
        IF OLD.phone IS DISTINCT FROM NEW.phone THEN
            PERFORM leadfold_release_claim(OLD.team_id, OLD.persona_id, 'phone', OLD.phone);
        END IF;
        IF old_email_key IS DISTINCT FROM email_key THEN
            PERFORM leadfold_release_claim(OLD.team_id, OLD.persona_id, 'email', old_email_key);
        END IF;
    END IF;

    -- A value that another persona holds alone is refused by identities_exclusive_unique_idx.
    IF NEW.phone IS NOT NULL AND (
        NOT was_live
        OR (NEW.phone, NEW.is_phone_exclusive)
            IS DISTINCT FROM (OLD.phone, OLD.is_phone_exclusive)
    ) THEN
        INSERT INTO identities AS i (team_id, kind, value, persona_id, is_exclusive)
        VALUES (NEW.team_id, 'phone', NEW.phone, NEW.persona_id, NEW.is_phone_exclusive)
        ON CONFLICT (team_id, kind, value, persona_id)
        DO UPDATE SET is_exclusive = excluded.is_exclusive
        WHERE i.is_exclusive <> excluded.is_exclusive;
    END IF;
    IF email_key IS NOT NULL AND (NOT was_live OR old_email_key IS DISTINCT FROM email_key) THEN
        INSERT INTO identities (team_id, kind, value, persona_id, is_exclusive)
        SELECT NEW.team_id, 'email', email_key, NEW.persona_id,
            coalesce(bool_and(i.is_exclusive), true)
        FROM identities AS i
        WHERE i.team_id = NEW.team_id AND i.kind = 'email' AND i.value = email_key
        ON CONFLICT (team_id, kind, value, persona_id) DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER leadfold_follow_claims AFTER INSERT OR UPDATE OR DELETE ON personas
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_follow_claims();
COMMENT ON TRIGGER leadfold_follow_claims ON personas IS
    'Keeps identities in step with phone and email. Silent while leadfold.import_id is set.';

CREATE FUNCTION leadfold_edit_lead() RETURNS trigger
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
    RETURN NEW;
END
$$;
CREATE TRIGGER leadfold_edit_lead BEFORE UPDATE ON leads
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_edit_lead();
COMMENT ON TRIGGER leadfold_edit_lead ON leads IS
    'Notes what is edited by hand. Silent while leadfold.import_id is set.';

CREATE VIEW persona_opt_outs AS
SELECT DISTINCT ON (team_id, persona_id, channel)
    team_id, persona_id, channel, stated_at, import_id
FROM (
    SELECT o.team_id, i.persona_id, o.channel, o.stated_at, o.import_id
    FROM opt_outs AS o
    JOIN identities AS i ON i.team_id = o.team_id AND i.kind = o.kind AND i.value = o.value
    UNION ALL
    SELECT o.team_id, l.persona_id, o.channel, o.stated_at, o.import_id
    FROM opt_outs AS o
    JOIN leads AS l ON l.team_id = o.team_id
        AND l.source_record_id = o.value AND l.source_file = o.source_file
    WHERE o.kind = 'record'
) AS covered
ORDER BY team_id, persona_id, channel, stated_at NULLS LAST, import_id;
COMMENT ON VIEW persona_opt_outs IS
    'Who is not to be contacted, one row per persona and channel. One opt-out on a value covers '
    'every persona that holds it.';
COMMENT ON COLUMN persona_opt_outs.stated_at IS
    'The earliest of the opt-outs that cover the persona. Null: none of them says when.';
COMMENT ON COLUMN persona_opt_outs.import_id IS 'The import that brought the earliest one.';
