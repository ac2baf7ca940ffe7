-- What people edited by hand.
-- Reads    stored_personas, merged, touched
-- Returns  edits: persona_id (who has it from now on), field, value, edited_at.
create or replace table edits as
select
    coalesce(merged.merged_into, persona_id) as persona_id, field, value,
    texts_of(edited_fields)[field] as edited_at
from (
    select persona_id, edited_fields, crm_id, phone, email, {golden_texts},
        to_json(nullif(tags, []))::varchar as tags
    from stored_personas
    semi join touched using (persona_id)
    where edited_fields is not null
) unpivot (value for field in (crm_id, phone, email, {golden_texts}, tags))
left join merged using (persona_id)
where map_contains(texts_of(edited_fields), field)
