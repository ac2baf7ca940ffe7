-- How each persona that was there before changes, or comes back.
-- Reads    met_personas, stored_personas, persona_field_changes, plan_lead_moves, merged,
--          undoable_leads, facts
-- Returns  plan_persona_versions: the table's columns; all are inserts.
create or replace table plan_persona_versions as
with moved as (
    select
        persona_id, list(lead_id order by lead_id) as leads,
        bool_and(from_persona_id in (select persona_id from merged)) as is_merge
    from (
        select to_persona_id as persona_id, lead_id, from_persona_id from plan_lead_moves
        union all
        select from_persona_id, lead_id, from_persona_id from plan_lead_moves
    )
    group by persona_id
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
    'insert' as action, persona_id, facts.import_id, stored.import_id as previous_import_id,
    case
        when planned.action = 'delete' then 'remove'
        when planned.action = 'insert' then 'restore'
        when planned.merged_into is distinct from stored.merged_into
            then case when planned.merged_into is null then 'split' else 'merge' end
        when moved.persona_id is not null
            then case when is_merge then 'merge' else 'split' end
        when planned.is_ended and not stored.is_ended then 'end'
        when stored.is_ended and not planned.is_ended then 'revive'
        else 'update'
    end as change,
    '{' || concat_ws(',', fields.changes, '"leads":' || to_json(moved.leads)::varchar) || '}'
        as changes
from met_personas as planned
left join stored_personas as stored using (persona_id)
left join moved using (persona_id)
left join fields using (persona_id)
cross join facts
where planned.action <> 'insert'
    or planned.persona_id in (select persona_id from undoable_leads where is_undone)
