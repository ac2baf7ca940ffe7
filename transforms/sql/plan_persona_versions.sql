-- How each persona that was there before changes.
-- Reads    plan_personas, stored_personas, persona_field_changes, moved_leads, facts
-- Returns  plan_persona_versions: the table's columns; all are inserts.
create or replace table plan_persona_versions as
with moved as (
    select new_persona_id as persona_id, list(lead_id order by lead_id) as leads
    from moved_leads where new_persona_id <> persona_id group by new_persona_id
    union all
    select persona_id, list(lead_id order by lead_id)
    from moved_leads where new_persona_id <> persona_id group by persona_id
),
fields as (
    select persona_id, string_agg(
        to_json(field)::varchar || ':' || to_json(struct_pack(
            before := before, after := after, rule := rule, source := source,
            source_file := source_file, source_record_id := source_record_id
        ))::varchar, ',' order by field
    ) as changes
    from persona_field_changes group by persona_id
)
select
    persona_id, facts.import_id, stored.import_id as previous_import_id,
    case
        when moved.persona_id is not null or planned.merged_into is distinct from stored.merged_into
            then 'merge'
        when planned.is_ended and not stored.is_ended then 'end'
        when stored.is_ended and not planned.is_ended then 'revive'
        else 'update'
    end as change,
    '{' || concat_ws(',', fields.changes, '"leads":' || to_json(moved.leads)::varchar) || '}'
        as changes
from plan_personas as planned
join stored_personas as stored using (persona_id)
left join moved using (persona_id)
left join fields using (persona_id)
cross join facts
where planned.action = 'update'
