-- What identifies the person of each record: every CRM id, phone and email that any row states.
-- Reads    staged
-- Returns  nodes: record_no (0 upwards, by record id) and source_record_id.
--          claims: record_no, kind, value, priority (1 CRM id, 2 phone, 3 email).
-- Promise  superseded and duplicate rows identify too.
create or replace table nodes as
select source_record_id, row_number() over (order by source_record_id) - 1 as record_no
from (select distinct source_record_id from staged);

create or replace table claims as
select distinct nodes.record_no, stated.kind, stated.value, stated.priority
from (
    select source_record_id, $claim_space as kind, crm_id as value, 1 as priority
    from staged where crm_id is not null
    union all
    select source_record_id, 'phone', unnest(phones), 2 from staged
    union all
    select source_record_id, 'email', unnest(email_keys), 3 from staged
) as stated
join nodes using (source_record_id)
