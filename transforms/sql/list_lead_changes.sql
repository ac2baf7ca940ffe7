-- What becomes of each lead, for people to read.
-- Reads    lead_changes, new_leads, stored_leads, moved_leads, lead_field_changes, records,
--          changed_records, plan_records, plan_people, plan_sentences, facts; of an undo
--          plan_leads, former_leads
-- Returns  told_leads: the columns of plan_changes but change_no, and item.
-- Promise  each record of the file but the rejected ones is there; an updated one by one row for
--          each field that changes. What only we keep (field_clocks) is told where nothing else is.
create or replace table told_leads as
with told as (
    select
        lead_changes.*, coalesce(stored_lead_id, new_leads.lead_id) as lead_id,
        case when is_ending and action in ('insert', 'update') then 'delete' else action end as done,
        plan_records.line_no, coalesce(plan_people.name, plan_records.name) as name
    from lead_changes
    left join new_leads using (source_record_id)
    left join plan_records using (source_record_id)
    left join plan_people on plan_people.persona_id = lead_changes.persona_id
    where action <> 'reject'
),
pairs as (
    select told.source_record_id, stored, told
    from told
    join (select * from stored_leads where is_in_batch) as stored using (source_record_id)
    where told.action = 'update'
),
beside as (
    select source_record_id, unnest([
        {'field': 'persona_id', 'before': stored.persona_id, 'after': told.persona_id},
        {'field': 'clock', 'before': shown_time(stored.clock), 'after': shown_time(told.clock)},
        {'field': 'last_activity_at', 'before': shown_time(stored.last_activity_at),
            'after': shown_time(told.last_activity_at)},
        {'field': 'is_missing', 'before': case when stored.is_missing then 'yes' end, 'after': null},
        {'field': 'claims', 'before': array_to_string(nullif(stored.claims, []), ', '),
            'after': array_to_string(told.claims, ', ')}
    ], recursive := true)
    from pairs
),
old_extra as (
    select source_record_id, unnest(map_entries(texts_of(stored.extra))) as entry
    from pairs where stored.extra is not null
),
new_extra as (
    select source_record_id, unnest(map_entries(texts_of(told.extra))) as entry
    from pairs where told.extra is not null
),
extras as (
    select
        coalesce(l.source_record_id, r.source_record_id) as source_record_id,
        'extra:' || coalesce(l.entry.key, r.entry.key) as field,
        l.entry.value as before, r.entry.value as after
    from old_extra as l
    full join new_extra as r
        on l.source_record_id = r.source_record_id and l.entry.key = r.entry.key
),
changed as (
    select source_record_id, field, before, after from lead_field_changes
    union all by name
    from beside where before is distinct from after
    union all by name
    from extras where before is distinct from after
),
fields as (
    from changed
    union all by name
    select source_record_id, 'field_clocks' as field, stored.field_clocks as before,
        told.field_clocks as after
    from pairs anti join changed using (source_record_id)
),
all_told as (
    select
        done as action, lead_id as id, persona_id as other_id, name, line_no, source_record_id,
        match_type as found_by, field, before, after,
        case when done = 'delete' then 'deleted' end as reason
    from told join fields using (source_record_id)
    union all by name
    select
        done as action, lead_id as id, persona_id as other_id, name, line_no, source_record_id,
        match_type as found_by,
        case when action = 'insert' then key_values(
            person_name(first_name, last_name, suffix, full_name, profile_name, company),
            array_to_string(phones, ', '), array_to_string(emails, ', '),
            coalesce(crm_id, source_record_id)
        ) end as after,
        case done when 'delete' then 'deleted' when 'skip' then 'skipped' end as reason
    from told where action <> 'update'
    union all by name
    select 'unchanged' as action, name, plan_records.line_no, source_record_id, 'source_record' as found_by
    from records
    anti join changed_records using (source_record_id)
    join plan_records using (source_record_id)
)
select
    'lead' as what, all_told.* exclude (reason), sentence as why, facts.source, facts.source_file,
    source_record_id as item
from all_told
left join plan_sentences on code = reason
cross join facts
union all by name
select
    'lead' as what, case when is_vanished then 'delete' else 'merge' end as action, lead_id as id,
    new_persona_id as other_id, name, moved.source_record_id,
    case when is_vanished then 'is_missing' else 'persona_id' end as field,
    case when not is_vanished then moved.persona_id end as before,
    case when is_vanished then 'yes' else new_persona_id end as after,
    sentence as why, moved.source, moved.source_file, lead_id as item
from moved_leads as moved
left join plan_people on plan_people.persona_id = new_persona_id
left join plan_sentences on code = case when is_vanished then 'vanished' else 'moved' end
union all by name
-- What an undo does.
select
    'lead' as what,
    case planned.action when 'delete' then 'remove' when 'insert' then 'restore' else 'restate' end
        as action,
    lead_id as id, coalesce(planned.persona_id, former.persona_id) as other_id, name,
    coalesce(planned.source_record_id, former.source_record_id) as source_record_id,
    coalesce(planned.source, former.source) as source,
    coalesce(planned.source_file, former.source_file) as source_file,
    case when planned.action <> 'delete' then key_values(
        person_name(
            planned.first_name, planned.last_name, planned.suffix, planned.full_name,
            planned.profile_name, planned.company
        ),
        array_to_string(planned.phones, ', '), array_to_string(planned.emails, ', '),
        coalesce(planned.crm_id, planned.source_record_id)
    ) end as after,
    case when planned.action <> 'insert' then key_values(
        person_name(
            former.first_name, former.last_name, former.suffix, former.full_name,
            former.profile_name, former.company
        ),
        array_to_string(former.phones, ', '), array_to_string(former.emails, ', '),
        coalesce(former.crm_id, former.source_record_id)
    ) end as before,
    sentence as why, concat_ws(
        chr(31), coalesce(planned.source_file, former.source_file),
        coalesce(planned.source_record_id, former.source_record_id), lead_id
    ) as item
from plan_leads as planned
left join former_leads as former using (lead_id)
left join plan_people
    on plan_people.persona_id = coalesce(planned.persona_id, former.persona_id)
left join plan_sentences on code = case when planned.action = 'delete' then 'undone' end
where lead_id in (select lead_id from undone_changes)
