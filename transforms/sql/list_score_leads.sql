-- The live leads of scored people, as far as they make points.
-- Reads    lead_changes, stored_leads, moved_leads, facts
-- Returns  met_score_leads: persona_id, source, lead_status, moment.
create or replace view met_score_leads as
select
    persona_id, (select source from facts) as source, lead_status,
    coalesce(last_activity_at, clock) as moment
from lead_changes
where action in ('insert', 'update', 'unchanged') and not is_deleted and not is_lone
union all by name
select
    coalesce(moved.new_persona_id, stored.persona_id) as persona_id, stored.source,
    stored.lead_status, coalesce(stored.last_activity_at, stored.clock) as moment
from stored_leads as stored
left join moved_leads as moved using (lead_id)
where not (stored.is_deleted or stored.is_missing or coalesce(is_vanished, false))
    and (not stored.is_in_batch or stored.source_record_id in (
        select source_record_id from lead_changes where action in ('skip', 'reject')
    ))
