-- What happened to leads that were there before.
-- Reads    lead_field_changes, lead_changes, facts
-- Returns  new_activities: digest (of the id), and the columns of lead_activities.
create or replace table new_activities as
with told as (
    select lead_id, source_record_id, 'status_change' as activity_type,
        'Status: ' || coalesce(before, 'none') || ' -> ' || coalesce(after, 'none') as description
    from lead_field_changes where field = 'lead_status'
    union all
    select lead_id, source_record_id, 'note_added', after
    from lead_field_changes where field = 'note' and after is not null
    union all
    select lead_id, source_record_id,
        case when (select is_webhook from facts) then 'webhook_update' else 'import_update' end,
        'Changed: ' || string_agg(replace(field, '_', ' '), ', ' order by field)
    from lead_field_changes where field not in ('lead_status', 'note')
    group by lead_id, source_record_id
)
select
    md5(concat_ws(chr(31), facts.import_id, lead_id, activity_type)) as digest,
    told.lead_id, activity_type, description, lead_changes.user_id,
    lead_changes.last_activity_at as occurred_at, facts.import_id
from told
join lead_changes using (source_record_id)
cross join facts
