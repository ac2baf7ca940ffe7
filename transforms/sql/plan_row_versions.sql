-- What people whose edits by hand are mixed with those of others had edited before.
-- Reads    met_personas, stored_personas, facts
-- Returns  plan_row_versions: the table's columns; all are inserts.
create or replace table plan_row_versions as
with told as (
    select
        persona_id, stored.edited_fields, planned.edited_fields as then_edited,
        to_json(struct_pack(
            crm_id := stored.crm_id, phone := stored.phone, email := stored.email,
            {packed_stored_golden_texts}, tags := to_json(nullif(stored.tags, []))::varchar
        ))::varchar as stood
    from met_personas as planned
    join stored_personas as stored using (persona_id)
    where planned.action = 'update' and planned.merged_into is null
        and planned.edited_fields is distinct from canonical_json(stored.edited_fields)
)
select
    'insert' as action, 'personas' as table_name, persona_id as row_key,
    to_json(struct_pack(
        edited_fields := coalesce(edited_fields, '{}')::json, values := stood::json,
        then_edited := coalesce(then_edited, '{}')::json
    ))::varchar as before,
    (select import_id from facts) as import_id
from told
