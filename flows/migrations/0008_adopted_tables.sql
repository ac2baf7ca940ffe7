-- Imports into tables of an application: a keyed table of ours states the rows, and a trigger writes
-- them through into the application's table, which keeps its own schema.
--
-- What the application says stays: a value is written where it has none, or where it still has what
-- an import has written. An undo takes back what was written, where it still stands there.

CREATE TABLE adopted_rows (
    team_id text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    row_key jsonb NOT NULL,
    is_ours boolean NOT NULL,
    written jsonb NOT NULL,
    before jsonb NOT NULL,
    PRIMARY KEY (team_id, table_name, row_key)
);
COMMENT ON TABLE adopted_rows IS
    'What imports have written into tables of an application, and what stood there before.';
COMMENT ON COLUMN adopted_rows.table_name IS 'Our table, whose rows are written through.';
COMMENT ON COLUMN adopted_rows.row_key IS 'Column of the application''s table -> value.';
COMMENT ON COLUMN adopted_rows.is_ours IS 'Whether the row was put in by an import.';
COMMENT ON COLUMN adopted_rows.written IS 'Column -> what an import has written there last.';
COMMENT ON COLUMN adopted_rows.before IS 'Column -> what stood there before.';

CREATE FUNCTION leadfold_pick(held jsonb, names text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(name, held -> name), '{}')
    FROM unnest(names) AS name WHERE held ? name
$$;

CREATE FUNCTION leadfold_is_referred_to(target regclass, row_there jsonb) RETURNS boolean
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
        ) INTO is_referred USING row_there;
        IF is_referred THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION leadfold_is_referred_to IS 'Whether any foreign key leads to a row of a table.';

CREATE FUNCTION leadfold_write_adopted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    target CONSTANT regclass := TG_ARGV[0];
    names CONSTANT jsonb := TG_ARGV[1];
    keys CONSTANT text[] := TG_ARGV[2];
    by_team CONSTANT jsonb := coalesce(TG_ARGV[3], '{}');
    ours CONSTANT jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    team CONSTANT text := ours ->> 'team_id';
    is_row CONSTANT text := (SELECT string_agg(format('t.%1$I = r.%1$I', k), ' AND ') FROM unnest(keys) AS k);
    said jsonb;
    key_said jsonb;
    held jsonb;
    wanted jsonb;
    known adopted_rows%ROWTYPE;
    is_known boolean;
BEGIN
    -- `leadfold verify` tries our own key.
    IF current_setting('leadfold.import_id', true) = 'verify' THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(n.value, ours -> n.key) INTO said FROM jsonb_each_text(names) AS n;
    SELECT said || coalesce(jsonb_object_agg(b.key, b.value -> team), '{}') INTO said
    FROM jsonb_each(by_team) AS b;
    -- As the application's columns hold it.
    EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::%s, $1))', target)
    INTO held USING said;
    said := leadfold_pick(held, ARRAY(SELECT jsonb_object_keys(said)));
    key_said := jsonb_strip_nulls(leadfold_pick(said, keys));
    IF NOT key_said ?& keys THEN
        RAISE EXCEPTION 'A row of % for team % has no value for all of the key of % (%).',
            TG_TABLE_NAME, team, target, array_to_string(keys, ', ')
            USING ERRCODE = 'not_null_violation';
    END IF;
    SELECT a.* INTO known FROM adopted_rows AS a
    WHERE a.team_id = team AND a.table_name = TG_TABLE_NAME AND a.row_key = key_said;
    is_known := FOUND;
    EXECUTE format(
        'SELECT to_jsonb(t) FROM %1$s AS t, jsonb_populate_record(NULL::%1$s, $1) AS r WHERE %2$s'
        ' FOR UPDATE OF t', target, is_row
    ) INTO held USING key_said;

    IF TG_OP = 'DELETE' THEN
        IF is_known AND held IS NOT NULL THEN
            IF NOT known.is_ours THEN
                SELECT coalesce(jsonb_object_agg(w.key, known.before -> w.key), '{}') INTO wanted
                FROM jsonb_each(known.written) AS w WHERE held -> w.key = w.value;
                PERFORM leadfold_set_adopted(target, is_row, key_said, wanted);
            ELSIF leadfold_pick(held, ARRAY(SELECT jsonb_object_keys(known.written)))
                    = known.written AND NOT leadfold_is_referred_to(target, held) THEN
                EXECUTE format(
                    'DELETE FROM %1$s AS t USING jsonb_populate_record(NULL::%1$s, $1) AS r'
                    ' WHERE %2$s', target, is_row
                ) USING key_said;
            END IF;
        END IF;
        DELETE FROM adopted_rows AS a
        WHERE a.team_id = team AND a.table_name = TG_TABLE_NAME AND a.row_key = key_said;
        RETURN NULL;
    END IF;

    IF held IS NULL THEN
        -- What the application has deleted since stays away.
        IF is_known THEN
            RETURN NULL;
        END IF;
        said := jsonb_strip_nulls(said);
        EXECUTE format(
            'INSERT INTO %1$s AS t (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)'
            ' RETURNING to_jsonb(t)',
            target, (SELECT string_agg(quote_ident(s), ', ') FROM jsonb_object_keys(said) AS s)
        ) INTO held USING said;
        INSERT INTO adopted_rows VALUES (
            team, TG_TABLE_NAME, key_said, true,
            leadfold_pick(held, ARRAY(SELECT jsonb_object_keys(said))), '{}'
        );
        RETURN NULL;
    END IF;

    SELECT coalesce(
        jsonb_object_agg(
            s.key, CASE WHEN s.value = 'null' THEN coalesce(known.before -> s.key, 'null') ELSE s.value END
        ), '{}'
    ) INTO wanted
    FROM jsonb_each(said) AS s
    WHERE s.key <> ALL (keys) AND CASE
        WHEN is_known AND known.written ? s.key
            THEN held -> s.key = known.written -> s.key AND s.value <> held -> s.key
        ELSE s.value <> 'null' AND held -> s.key IN ('null', '""')
    END;
    IF wanted <> '{}' OR NOT is_known THEN
        INSERT INTO adopted_rows AS a VALUES (
            team, TG_TABLE_NAME, key_said, false,
            leadfold_set_adopted(target, is_row, key_said, wanted),
            leadfold_pick(held, ARRAY(SELECT jsonb_object_keys(wanted)))
        )
        ON CONFLICT ON CONSTRAINT adopted_rows_pkey DO UPDATE SET
            written = a.written || excluded.written,
            -- What stood there first.
            before = excluded.before || a.before;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION leadfold_write_adopted IS
    'Writes rows of one of our tables through into a table of an application. Arguments: its name;'
    ' our column -> its column, as jsonb; its key, as text[]; its column -> team -> value, as jsonb.';

CREATE FUNCTION leadfold_set_adopted(target regclass, is_row text, row_key jsonb, wanted jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    names CONSTANT text[] := ARRAY(SELECT jsonb_object_keys(wanted));
    held jsonb;
BEGIN
    IF wanted = '{}' THEN
        RETURN wanted;
    END IF;
    EXECUTE format(
        'UPDATE %1$s AS t SET %2$s FROM jsonb_populate_record(NULL::%1$s, $1) AS r WHERE %3$s'
        ' RETURNING to_jsonb(t)',
        target, (SELECT string_agg(format('%1$I = r.%1$I', n), ', ') FROM unnest(names) AS n), is_row
    ) INTO held USING wanted || row_key;
    RETURN leadfold_pick(held, names);
END
$$;
COMMENT ON FUNCTION leadfold_set_adopted IS
    'Sets columns of a row of an application''s table; gives what they hold then.';
