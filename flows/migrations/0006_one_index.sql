-- Claims by one unique index in place of two: they are the dear part of a first import.
--
-- The primary key (team_id, kind, value, persona_id) and the partial index (team_id, kind, value)
-- where exclusive held every claim twice. One index over who may hold a claim once refuses the
-- same: a second exclusive holder, and a second row of somebody who shares the claim. Of 285,000
-- claims it takes half the space, and 2.8 million are loaded in 0.6 of the time with the next
-- change: a persona's claims are found by a hash of the id. A first import brings claims in the
-- order of their values, so that a B-tree by persona is written all over. Claims are still found by (team_id, kind, value), which is how it begins.
--
-- What it does not refuse is one persona with a claim both ways, alone and shared. Plans and the
-- trigger leadfold_follow_claims write no such pair; for other writers leadfold_hold_once looks.

ALTER TABLE identities DROP CONSTRAINT identities_pkey;
DROP INDEX IF EXISTS identities_exclusive_unique_idx;
CREATE UNIQUE INDEX identities_exclusive_unique_idx ON identities
    (team_id, kind, value, (CASE WHEN is_exclusive THEN '' ELSE persona_id END));
DROP INDEX IF EXISTS identities_persona_idx;
CREATE INDEX identities_persona_idx ON identities USING hash (persona_id);
COMMENT ON INDEX identities_exclusive_unique_idx IS
    'Of an exclusive claim there is one row; of a shared one, a row for each persona.';

-- Without a primary key nothing tells a subscriber of logical replication which row changed, so
-- that Postgres would refuse our UPDATEs and DELETEs of a published table; an index with an
-- expression does not serve. With wal_level = replica this writes nothing more, with logical the
-- old row, which is short.
ALTER TABLE identities REPLICA IDENTITY FULL;

CREATE FUNCTION leadfold_hold_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        -- By whoever writes identities itself: one after the other, as with an edit of the persona.
        UPDATE personas AS p SET team_id = p.team_id
        WHERE p.team_id = NEW.team_id AND p.persona_id = NEW.persona_id;
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
CREATE TRIGGER leadfold_hold_once AFTER INSERT OR UPDATE ON identities
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_hold_once();
COMMENT ON TRIGGER leadfold_hold_once ON identities IS
    'Refuses a claim that the persona holds already, alone or shared. Silent while'
    ' leadfold.import_id is set.';

-- The last try of an import keeps the people from changing that it found. Somebody whom it did not
-- find could still be put in by hand, with a phone that it was to bring.
CREATE FUNCTION leadfold_await_import() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(
        hashtextextended('leadfold:new-people:' || NEW.team_id, 0)
    );
    RETURN NEW;
END
$$;
CREATE TRIGGER leadfold_await_import BEFORE INSERT ON personas
    FOR EACH ROW WHEN (coalesce(current_setting('leadfold.import_id', true), '') = '')
    EXECUTE FUNCTION leadfold_await_import();
COMMENT ON TRIGGER leadfold_await_import ON personas IS
    'Has who puts somebody in by hand wait for the last try of an import. Silent while'
    ' leadfold.import_id is set.';

-- The two functions that found a persona's row by the primary key. Where they look for it, alone or
-- shared, they say both keys of the index: else Postgres may go through all who share the claim.
CREATE OR REPLACE FUNCTION leadfold_release_claim(
    team text, persona text, claim_kind text, claim_value text
) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM identities AS i
    WHERE i.team_id = team AND i.persona_id = persona
        AND i.kind = claim_kind AND i.value = claim_value
        AND (CASE WHEN i.is_exclusive THEN '' ELSE i.persona_id END) IN ('', persona)
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

CREATE OR REPLACE FUNCTION leadfold_follow_claims() RETURNS trigger
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
