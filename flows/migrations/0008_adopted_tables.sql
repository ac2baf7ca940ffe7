-- Imports into tables of an application: a keyed table of ours states the rows, and a trigger writes
-- them through into the application's table, which keeps its own schema.
--
-- What the application says stays: a value is written where it has none, or where it still has what
-- an import has written. An undo takes back what was written, where it still stands there.

CREATE TABLE adopted_rows (
    team_id text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    row_key jsonb NOT NULL,
    written jsonb NOT NULL,
    before jsonb NOT NULL,
    put_in jsonb,
    PRIMARY KEY (table_name, row_key, team_id)
);
COMMENT ON TABLE adopted_rows IS
    'What imports have written into tables of an application, and what stood there before.';
COMMENT ON COLUMN adopted_rows.table_name IS 'Our table, whose rows are written through.';
COMMENT ON COLUMN adopted_rows.row_key IS 'Column of the application''s table -> value.';
COMMENT ON COLUMN adopted_rows.written IS 'Column -> what an import has written there last.';
COMMENT ON COLUMN adopted_rows.before IS 'Column -> what the application had there before.';
COMMENT ON COLUMN adopted_rows.put_in IS
    'The whole row as imports have made it. Null: the application has put it in.';

CREATE FUNCTION leadfold_pick(held jsonb, names text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(name, held -> name), '{}')
    FROM unnest(names) AS name WHERE held ? name
$$;

CREATE FUNCTION leadfold_keys(held jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT ARRAY(SELECT jsonb_object_keys(held))
$$;

CREATE FUNCTION leadfold_is_referred_to(target regclass, held jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    reference record;
    is_referred boolean;
BEGIN
    FOR reference IN
        SELECT f.conrelid::regclass AS child, (
            SELECT string_agg(format('c.%I = r.%I', child.attname, parent.attname), ' AND ')
            FROM unnest(f.conkey, f.confkey) AS k (child_no, parent_no)
            JOIN pg_attribute AS child ON child.attrelid = f.conrelid AND child.attnum = child_no
            JOIN pg_attribute AS parent ON parent.attrelid = f.confrelid AND parent.attnum = parent_no
        ) AS is_same
        FROM pg_constraint AS f
        WHERE f.contype = 'f' AND f.confrelid = target AND f.conparentid = 0
    LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %s AS c, jsonb_populate_record(NULL::%s, $1) AS r WHERE %s)',
            reference.child, target, reference.is_same
        ) INTO is_referred USING held;
        IF is_referred THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION leadfold_is_referred_to IS 'Whether any foreign key leads to a row of a table.';

CREATE FUNCTION leadfold_lock_adopted(target regclass, row_key jsonb, is_going boolean)
RETURNS jsonb LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    held jsonb[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(held) FROM (SELECT to_jsonb(t) AS held'
        ' FROM %1$s AS t, jsonb_populate_record(NULL::%1$s, $1) AS r WHERE %2$s LIMIT 2 FOR %3$s OF t'
        ') AS found',
        target,
        (SELECT string_agg(format('t.%1$I = r.%1$I', k), ' AND ') FROM jsonb_object_keys(row_key) AS k),
        CASE WHEN is_going THEN 'UPDATE' ELSE 'NO KEY UPDATE' END
    ) INTO held USING row_key;
    IF cardinality(held) > 1 THEN
        RAISE EXCEPTION '% has several rows of one key (%): it is not unique there.',
            target, array_to_string(leadfold_keys(row_key), ', ')
            USING ERRCODE = 'cardinality_violation', HINT = 'leadfold adopt makes it unique.';
    END IF;
    RETURN held[1];
END
$$;
COMMENT ON FUNCTION leadfold_lock_adopted IS 'The row of a key in an application''s table, locked.';

CREATE FUNCTION leadfold_set_adopted(target regclass, row_key jsonb, wanted jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- What must have a value keeps the one that it has.
    names CONSTANT text[] := ARRAY(
        SELECT w.key FROM jsonb_each(wanted) AS w
        JOIN pg_attribute AS a ON a.attrelid = target AND a.attname = w.key
        WHERE w.value <> 'null' OR NOT a.attnotnull
    );
    held jsonb;
BEGIN
    IF names = '{}' THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'UPDATE %1$s AS t SET %2$s FROM jsonb_populate_record(NULL::%1$s, $1) AS r WHERE %3$s'
        ' RETURNING to_jsonb(t)',
        target,
        (SELECT string_agg(format('%1$I = r.%1$I', n), ', ') FROM unnest(names) AS n),
        (SELECT string_agg(format('t.%1$I = r.%1$I', k), ' AND ') FROM jsonb_object_keys(row_key) AS k)
    ) INTO held USING wanted || row_key;
    RETURN held;
END
$$;
COMMENT ON FUNCTION leadfold_set_adopted IS
    'Sets columns of a row of an application''s table; gives the row as it is then.';

CREATE FUNCTION leadfold_take_adopted(target regclass, team text, our_table text, key_said jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    known adopted_rows%ROWTYPE;
    held jsonb;
BEGIN
    DELETE FROM adopted_rows AS a
    WHERE a.team_id = team AND a.table_name = our_table AND a.row_key = key_said
    RETURNING a.* INTO known;
    held := leadfold_lock_adopted(target, key_said, true);
    IF known.team_id IS NULL OR held IS NULL THEN
        RETURN;
    END IF;
    -- Another team says the same row: it is that team's from now on.
    UPDATE adopted_rows AS a SET
        put_in = known.put_in, before = a.before || known.before,
        written = known.written || a.written
    WHERE a.table_name = our_table AND a.row_key = key_said;
    IF FOUND THEN
        RETURN;
    END IF;
    IF known.put_in IS NULL THEN
        PERFORM leadfold_set_adopted(target, key_said, (
            SELECT coalesce(jsonb_object_agg(w.key, known.before -> w.key), '{}')
            FROM jsonb_each(known.written) AS w WHERE held -> w.key = w.value
        ));
    ELSIF held = known.put_in AND NOT leadfold_is_referred_to(target, held) THEN
        EXECUTE format(
            'DELETE FROM %1$s AS t USING jsonb_populate_record(NULL::%1$s, $1) AS r WHERE %2$s',
            target,
            (SELECT string_agg(format('t.%1$I = r.%1$I', k), ' AND ')
             FROM jsonb_object_keys(key_said) AS k)
        ) USING key_said;
    END IF;
END
$$;
COMMENT ON FUNCTION leadfold_take_adopted IS
    'Takes back what imports have written into a row, where it still stands there.';

CREATE FUNCTION leadfold_give_adopted(target regclass, team text, our_table text, keys text[], said jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    key_said CONSTANT jsonb := leadfold_pick(said, keys);
    given CONSTANT jsonb := jsonb_strip_nulls(said);
    known adopted_rows%ROWTYPE;
    held jsonb;
    after jsonb;
    wanted jsonb;
BEGIN
    SELECT a.* INTO known FROM adopted_rows AS a
    WHERE a.team_id = team AND a.table_name = our_table AND a.row_key = key_said;
    held := leadfold_lock_adopted(target, key_said, false);
    IF held IS NULL AND known.team_id IS NOT NULL THEN
        -- The application has deleted it.
        RETURN;
    END IF;
    IF held IS NULL THEN
        EXECUTE format(
            'INSERT INTO %1$s AS t (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)'
            ' ON CONFLICT DO NOTHING RETURNING to_jsonb(t)',
            target, (SELECT string_agg(quote_ident(s), ', ') FROM jsonb_object_keys(given) AS s)
        ) INTO after USING given;
        IF after IS NOT NULL THEN
            INSERT INTO adopted_rows (team_id, table_name, row_key, written, before, put_in) VALUES (
                team, our_table, key_said, leadfold_pick(after, leadfold_keys(given)), '{}', after
            );
            RETURN;
        END IF;
        -- Somebody has put it in meanwhile.
        held := leadfold_lock_adopted(target, key_said, false);
        IF held IS NULL THEN
            RAISE EXCEPTION 'A row cannot be put into %: another one has what is unique besides (%).',
                target, array_to_string(keys, ', ')
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    SELECT coalesce(jsonb_object_agg(
        s.key, CASE WHEN s.value = 'null' THEN coalesce(known.before -> s.key, 'null') ELSE s.value END
    ), '{}') INTO wanted
    FROM jsonb_each(said) AS s
    WHERE s.key <> ALL (keys) AND CASE
        WHEN known.written ? s.key
            THEN held -> s.key = known.written -> s.key AND s.value <> held -> s.key
        ELSE s.value <> 'null' AND held -> s.key IN ('null', '""')
    END;
    after := leadfold_set_adopted(target, key_said, wanted);
    IF after IS NULL AND known.team_id IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO adopted_rows AS a (team_id, table_name, row_key, written, before) VALUES (
        team, our_table, key_said, coalesce(leadfold_pick(after, leadfold_keys(wanted)), '{}'),
        leadfold_pick(held, leadfold_keys(wanted))
    )
    ON CONFLICT (table_name, row_key, team_id) DO UPDATE SET
        written = a.written || excluded.written,
        -- What the application had, and no import.
        before = (excluded.before - leadfold_keys(a.written)) || a.before,
        put_in = a.put_in || (
            SELECT coalesce(jsonb_object_agg(n.key, n.value), '{}') FROM jsonb_each(after) AS n
            WHERE n.value IS DISTINCT FROM held -> n.key
        );
END
$$;
COMMENT ON FUNCTION leadfold_give_adopted IS
    'Writes a row through: into a new one, or where the application says nothing else.';

CREATE FUNCTION leadfold_say_adopted(
    target regclass, names jsonb, keys text[], by_team jsonb, ours jsonb, our_table text
)
RETURNS jsonb LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    said jsonb;
    held jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(n.value, ours -> n.key), '{}') INTO said
    FROM jsonb_each_text(names) AS n;
    SELECT said || coalesce(jsonb_object_agg(b.key, b.value -> (ours ->> 'team_id')), '{}') INTO said
    FROM jsonb_each(by_team) AS b;
    -- As the application's columns hold it.
    EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::%s, $1))', target)
    INTO held USING said;
    said := leadfold_pick(held, leadfold_keys(said));
    IF NOT jsonb_strip_nulls(said) ?& keys THEN
        RAISE EXCEPTION 'A row of % for team % has no value for all of the key of % (%).',
            our_table, ours ->> 'team_id', target, array_to_string(keys, ', ')
            USING ERRCODE = 'not_null_violation';
    END IF;
    RETURN said;
END
$$;
COMMENT ON FUNCTION leadfold_say_adopted IS
    'What one of our rows says, by the columns of the application''s table.';

CREATE FUNCTION leadfold_write_adopted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    target CONSTANT regclass := TG_ARGV[0];
    names CONSTANT jsonb := TG_ARGV[1];
    keys CONSTANT text[] := TG_ARGV[2];
    by_team CONSTANT jsonb := coalesce(TG_ARGV[3], '{}');
    said_before jsonb;
    said jsonb;
BEGIN
    -- `leadfold verify` tries our own key.
    IF current_setting('leadfold.import_id', true) = 'verify' THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        said_before := leadfold_say_adopted(
            target, names, keys, by_team, to_jsonb(OLD), TG_TABLE_NAME
        );
    END IF;
    IF TG_OP <> 'DELETE' THEN
        said := leadfold_say_adopted(target, names, keys, by_team, to_jsonb(NEW), TG_TABLE_NAME);
    END IF;
    IF TG_OP = 'DELETE'
        OR TG_OP = 'UPDATE' AND leadfold_pick(said_before, keys) <> leadfold_pick(said, keys)
    THEN
        PERFORM leadfold_take_adopted(
            target, OLD.team_id, TG_TABLE_NAME, leadfold_pick(said_before, keys)
        );
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM leadfold_give_adopted(target, NEW.team_id, TG_TABLE_NAME, keys, said);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION leadfold_write_adopted IS
    'Writes rows of one of our tables through into a table of an application. Arguments: its name;'
    ' our column -> its column, as jsonb; its key, as text[]; its column -> team -> value, as jsonb.';
