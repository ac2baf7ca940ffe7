-- What identifies the person of each record: every CRM id, phone and email that any row states.
-- Reads    staged, nodes, match_keys
-- Returns  claims: record_no, kind, value, priority (null where the policy does not match by it).
-- Promise  superseded and duplicate rows identify too.
create or replace table claims as
select distinct nodes.record_no, said.kind, said.value, match_keys.priority
from (
    select source_record_id, (select claim_space from facts) as kind, crm_id as value
    from staged where crm_id is not null
    union all
    select source_record_id, 'phone', unnest(phones) from staged
    union all
    select source_record_id, 'email', unnest(email_keys) from staged
) as said
join nodes using (source_record_id)
left join match_keys using (kind)
