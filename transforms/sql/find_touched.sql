-- Whom this batch touches.
-- Reads    lead_changes, moved_leads, merged, holdings, stored_identities
-- Returns  touched: persona_id.
create or replace table touched as
select persona_id from lead_changes where action in ('insert', 'update')
union
select persona_id from moved_leads
union
select new_persona_id from moved_leads
union
select persona_id from merged
union
select merged_into from merged
union
select persona_id from holdings where was_exclusive is distinct from is_exclusive
union
select persona_id from (from stored_identities anti join holdings using (kind, value, persona_id))
