-- The leads of every person whom this batch touches, as they will be.
-- Reads    touched, lead_changes, stored_leads, moved_leads, sources, facts
-- Returns  ended: persona_id, is_ended, lead_count. persona_leads: persona_id and what each lead
--          says.
-- Promise  ended leads contribute nothing, but where a person has no other: then all do, so that
--          what was known stays, in whatever order they ended.
create or replace view all_leads as
select
    persona_id, (select source from facts) as source,
    (select source_file from facts) as source_file, source_record_id,
    case when action = 'unchanged' then stored_import_id else (select import_id from facts) end as landing,
    not is_deleted as is_live, clock, field_clocks, crm_id, phones, emails, email_keys, tags, claims,
    {golden_texts}
from lead_changes
where action in ('insert', 'update', 'unchanged')
union all by name
select
    coalesce(moved.new_persona_id, stored.persona_id) as persona_id,
    stored.source, stored.source_file, stored.source_record_id, stored.import_id as landing,
    not (stored.is_deleted or stored.is_missing or coalesce(is_vanished, false)) as is_live,
    stored.clock, stored.field_clocks, stored.crm_id, stored.phones, stored.emails,
    stored.email_keys, stored.tags, stored.claims, {stored_golden_texts}
from stored_leads as stored
left join moved_leads as moved using (lead_id)
where not stored.is_in_batch or stored.source_record_id in (
    select source_record_id from lead_changes where action in ('skip', 'reject')
);

create or replace table ended as
select
    persona_id, live_count = 0 as is_ended,
    case when live_count = 0 then all_count else live_count end as lead_count
from (
    select persona_id, count(*) filter (is_live) as live_count, count(*) as all_count
    from all_leads semi join touched using (persona_id)
    group by persona_id
);

create or replace table persona_leads as
select
    all_leads.* exclude (is_live), coalesce(sources.trust, 0) as trust, sources.claim_space,
    ended.lead_count
from all_leads
join ended using (persona_id)
left join sources using (source)
where is_live or ended.is_ended
