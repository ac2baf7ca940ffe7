-- What could tell that a row is about somebody who was erased.
-- Reads    staged, stated_opt_outs, landed; $claim_space, $source_file
-- Returns  row_claims: source_record_id, kind, value.
-- Promise  rows that are rejected for another reason count by what they opted out with.
create or replace table row_claims as
select source_record_id, $claim_space::varchar as kind, crm_id as value
from staged where crm_id is not null
union
select source_record_id, $claim_space, merged_into from staged where merged_into is not null
union
select source_record_id, 'phone', unnest(phones) from staged
union
select source_record_id, 'email', unnest(email_keys) from staged
union
select source_record_id, 'record', $source_file || chr(31) || source_record_id from staged
union
select source_record_id, kind, value from stated_opt_outs join landed using (line_no)
where kind <> 'record'
