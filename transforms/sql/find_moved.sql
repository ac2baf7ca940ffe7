-- Stored leads that change although this file does not state them.
-- Reads    stored_leads, missing_leads, merged
-- Returns  moved_leads: stored leads that this file does not state and that change all the same:
--          new_persona_id, and is_vanished (the snapshot no longer has them).
create or replace table moved_leads as
select
    stored.*, coalesce(merged.merged_into, stored.persona_id) as new_persona_id,
    missing_leads.lead_id is not null as is_vanished
from stored_leads as stored
left join merged using (persona_id)
left join missing_leads using (lead_id)
where (
    not is_in_batch
    or source_record_id in (select source_record_id from lead_changes where action in ('skip', 'reject'))
) and (merged.persona_id is not null or missing_leads.lead_id is not null)
