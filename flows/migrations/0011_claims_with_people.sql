-- What a person holds stands in the person's own row, and claims have one index in place of two.
--
-- The index of claims by person was the dear part of a first import: claims come in the order of
-- their values, so that it was written all over, 8 of the 17 s that 2.8 million take. A person's row
-- lists them in a tenth of that, and who asks what somebody holds need not look for it elsewhere.
-- identities says who holds a claim, as before, and refuses a second holder.

ALTER TABLE personas
    ADD COLUMN claims text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD COLUMN shared_claims text[] COLLATE "C";
COMMENT ON COLUMN personas.claims IS
    'What the persona holds, alone or shared: kind=value of each of its rows of identities.';
COMMENT ON COLUMN personas.shared_claims IS
    'Those of claims that the persona does not hold alone. Null: none.';

-- Lists anew what is not listed as identities says, and tells of how many people. Not an edit by hand.
CREATE FUNCTION leadfold_list_claims() RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp SET leadfold.import_id = 'leadfold_list_claims' AS $$
    WITH held AS (
        SELECT team_id, persona_id,
            array_agg(kind || '=' || value ORDER BY kind, value) AS claims,
            array_agg(kind || '=' || value ORDER BY kind, value) FILTER (WHERE NOT is_exclusive)
                AS shared_claims
        FROM identities GROUP BY team_id, persona_id
    ),
    listed AS (
        UPDATE personas AS p
        SET claims = coalesce(h.claims, '{}'), shared_claims = h.shared_claims
        FROM personas AS o LEFT JOIN held AS h USING (team_id, persona_id)
        WHERE p.team_id = o.team_id AND p.persona_id = o.persona_id AND (
            ARRAY(SELECT unnest(o.claims) ORDER BY 1)
                <> ARRAY(SELECT unnest(coalesce(h.claims, '{}')) ORDER BY 1)
            OR ARRAY(SELECT unnest(coalesce(o.shared_claims, '{}')) ORDER BY 1)
                <> ARRAY(SELECT unnest(coalesce(h.shared_claims, '{}')) ORDER BY 1)
        )
        RETURNING 1
    )
    SELECT count(*) FROM listed
$$;
COMMENT ON FUNCTION leadfold_list_claims IS
    'Brings personas.claims in step with identities, where somebody switched triggers off.';
SELECT leadfold_list_claims();

DROP INDEX identities_persona_idx;
-- A twentieth of a page is no room for a person any more.
ALTER TABLE personas SET (fillfactor = 93);

CREATE VIEW persona_claims AS
SELECT team_id, persona_id, split_part(claim, '=', 1) COLLATE "C" AS kind,
    substr(claim, strpos(claim, '=') + 1) COLLATE "C" AS value,
    shared_claims IS NULL OR claim <> ALL (shared_claims) AS is_exclusive
FROM personas CROSS JOIN LATERAL unnest(claims) AS listed (claim);
COMMENT ON VIEW persona_claims IS
    'What each persona holds, by persona. Who holds a claim, by claim, says identities.';

-- Found by persona, and by number or address.
CREATE OR REPLACE VIEW persona_phones AS
SELECT team_id, persona_id, value AS normalized_number, i.is_exclusive
FROM persona_claims AS c JOIN identities AS i USING (team_id, persona_id, kind, value)
WHERE kind = 'phone';

CREATE OR REPLACE VIEW persona_emails AS
SELECT team_id, persona_id, value AS address, i.is_exclusive
FROM persona_claims AS c JOIN identities AS i USING (team_id, persona_id, kind, value)
WHERE kind = 'email';

-- As in 0003, but that what a persona holds is found by persona.
CREATE OR REPLACE VIEW persona_opt_outs AS
SELECT DISTINCT ON (team_id, persona_id, channel)
    team_id, persona_id, channel, stated_at, import_id
FROM (
    SELECT o.team_id, c.persona_id, o.channel, o.stated_at, o.import_id
    FROM opt_outs AS o
    JOIN persona_claims AS c ON c.team_id = o.team_id AND c.kind = o.kind AND c.value = o.value
    UNION ALL
    SELECT o.team_id, l.persona_id, o.channel, o.stated_at, o.import_id
    FROM opt_outs AS o
    JOIN leads AS l ON l.team_id = o.team_id
        AND l.source_record_id = o.value AND l.source_file = o.source_file
    WHERE o.kind = 'record'
) AS covered
ORDER BY team_id, persona_id, channel, stated_at NULLS LAST, import_id;

-- What plans do not write to identities is listed with the persona by this trigger; plans say that
-- they list it themselves (leadfold.lists_claims). It takes the place of leadfold_hold_once, of which
-- the check at its end is. The persona's row is written in any case, and first: so whoever writes
-- claims of a persona waits for who edits it, and the other way.
DROP TRIGGER leadfold_hold_once ON identities;
DROP FUNCTION leadfold_hold_once();
CREATE FUNCTION leadfold_follow_holder() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET leadfold.follows_holder = 'yes' AS $$
DECLARE
    claim text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        claim := OLD.kind || '=' || OLD.value;
        UPDATE personas AS p
        SET claims = array_remove(p.claims, claim),
            shared_claims = nullif(array_remove(p.shared_claims, claim), '{}')
        WHERE p.team_id = OLD.team_id AND p.persona_id = OLD.persona_id;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;

    IF position('=' IN NEW.kind) > 0 THEN
        RAISE EXCEPTION 'The kind of a claim has no = in it: %.', NEW.kind
            USING ERRCODE = 'check_violation';
    END IF;
    claim := NEW.kind || '=' || NEW.value;
    UPDATE personas AS p
    SET claims = array_append(array_remove(p.claims, claim), claim),
        shared_claims = nullif(
            array_remove(p.shared_claims, claim)
                || CASE WHEN NEW.is_exclusive THEN '{}' ELSE ARRAY[claim] END,
            '{}'
        )
    WHERE p.team_id = NEW.team_id AND p.persona_id = NEW.persona_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no persona % of team % to hold % %.',
            NEW.persona_id, NEW.team_id, NEW.kind, NEW.value
            USING ERRCODE = 'foreign_key_violation', HINT = 'Insert the persona first.';
    END IF;
    IF EXISTS (
        SELECT FROM identities AS i
        WHERE i.team_id = NEW.team_id AND i.kind = NEW.kind AND i.value = NEW.value
            AND i.persona_id = NEW.persona_id
            AND (CASE WHEN i.is_exclusive THEN '' ELSE i.persona_id END)
                = (CASE WHEN NEW.is_exclusive THEN NEW.persona_id ELSE '' END)
    ) THEN
        RAISE EXCEPTION 'A persona holds a claim alone or shares it, not both: % of team %, % %.',
            NEW.persona_id, NEW.team_id, NEW.kind, NEW.value
            USING ERRCODE = 'unique_violation', TABLE = 'identities',
                CONSTRAINT = 'identities_exclusive_unique_idx',
                HINT = 'Update is_exclusive of the row that is there.';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER leadfold_follow_holder AFTER INSERT OR UPDATE OR DELETE ON identities
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.lists_claims', true), '') = '')
    EXECUTE FUNCTION leadfold_follow_holder();
COMMENT ON TRIGGER leadfold_follow_holder ON identities IS
    'Keeps personas.claims in step with identities, and refuses a claim that the persona holds'
    ' already, alone or shared. Silent while leadfold.lists_claims is set.';

CREATE FUNCTION leadfold_release_claims(team text, persona text, held text[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
    DELETE FROM identities AS i USING unnest(held) AS listed (claim)
    WHERE i.team_id = team AND i.persona_id = persona
        AND i.kind = split_part(listed.claim, '=', 1)
        AND i.value = substr(listed.claim, strpos(listed.claim, '=') + 1)
        AND (CASE WHEN i.is_exclusive THEN '' ELSE i.persona_id END) IN ('', persona)
$$;
COMMENT ON FUNCTION leadfold_release_claims IS
    'Lets a persona hold none of the claims that are listed, as personas.claims spells them.';

-- Before, these two found what a persona holds by its id; and nobody writes claims by hand.
CREATE OR REPLACE FUNCTION leadfold_follow_claims() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    is_update CONSTANT boolean := TG_OP = 'UPDATE';
    email_key text;
    old_email_key text;
    was_live boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM leadfold_release_claims(OLD.team_id, OLD.persona_id, OLD.claims);
        RETURN NULL;
    END IF;
    IF NEW.merged_into IS NOT NULL THEN
        PERFORM leadfold_release_claims(NEW.team_id, NEW.persona_id, NEW.claims);
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

    -- A value that another persona holds alone is refused by identities_exclusive_unique_idx. One
    -- that this persona holds stays its one row; the persona's own row is locked, so that nobody
    -- else gives it that value meanwhile.
    IF NEW.phone IS NOT NULL AND (
        NOT was_live
        OR (NEW.phone, NEW.is_phone_exclusive)
            IS DISTINCT FROM (OLD.phone, OLD.is_phone_exclusive)
    ) THEN
        UPDATE identities AS i SET is_exclusive = NEW.is_phone_exclusive
        WHERE i.team_id = NEW.team_id AND i.kind = 'phone' AND i.value = NEW.phone
            AND i.persona_id = NEW.persona_id AND i.is_exclusive <> NEW.is_phone_exclusive
            AND (CASE WHEN i.is_exclusive THEN '' ELSE i.persona_id END) IN ('', NEW.persona_id);
        INSERT INTO identities (team_id, kind, value, persona_id, is_exclusive)
        SELECT NEW.team_id, 'phone', NEW.phone, NEW.persona_id, NEW.is_phone_exclusive
        WHERE NOT EXISTS (
            SELECT FROM identities AS i
            WHERE i.team_id = NEW.team_id AND i.kind = 'phone' AND i.value = NEW.phone
                AND i.persona_id = NEW.persona_id
                AND (CASE WHEN i.is_exclusive THEN '' ELSE i.persona_id END)
                    IN ('', NEW.persona_id)
        );
    END IF;
    IF email_key IS NOT NULL AND (NOT was_live OR old_email_key IS DISTINCT FROM email_key) THEN
        INSERT INTO identities (team_id, kind, value, persona_id, is_exclusive)
        SELECT NEW.team_id, 'email', email_key, NEW.persona_id,
            coalesce(bool_and(i.is_exclusive), true)
        FROM identities AS i
        WHERE i.team_id = NEW.team_id AND i.kind = 'email' AND i.value = email_key
        HAVING count(*) FILTER (WHERE i.persona_id = NEW.persona_id) = 0;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION leadfold_edit_persona() RETURNS trigger
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
    -- What a persona holds is said by identities alone (leadfold_follow_holder).
    IF is_update AND coalesce(current_setting('leadfold.follows_holder', true), '') = '' THEN
        NEW.claims := OLD.claims;
        NEW.shared_claims := OLD.shared_claims;
    ELSIF NOT is_update THEN
        SELECT coalesce(array_agg(DISTINCT claim), '{}'),
            array_agg(DISTINCT claim) FILTER (WHERE NOT i.is_exclusive)
        INTO NEW.claims, NEW.shared_claims
        FROM unnest(NEW.claims) AS listed (claim)
        JOIN identities AS i ON i.team_id = NEW.team_id AND i.persona_id = NEW.persona_id
            AND i.kind = split_part(claim, '=', 1)
            AND i.value = substr(claim, strpos(claim, '=') + 1)
            AND (CASE WHEN i.is_exclusive THEN '' ELSE i.persona_id END) IN ('', NEW.persona_id);
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
