-- What identifies the person of each record: every CRM id, phone and email that any row states.
-- Reads    staged, nodes, match_keys
-- Returns  adds to claims: record_no, kind, value, priority (null where the policy does not match by
--          it), of the records from the number `first` to the number `last`: of a large file, all at
--          once would not fit into memory.
-- Promise  superseded and duplicate rows identify too.
insert into claims
with part as (
    select source_record_id, record_no from nodes where record_no between $first and $last
),
said as not materialized (
    select record_no, crm_id, phones, email_keys
    from staged
    join part using (source_record_id)
    where source_record_id between
        (select min(source_record_id) from part) and (select max(source_record_id) from part)
)
select distinct claimed.record_no, claimed.kind, claimed.value, match_keys.priority
from (
    select record_no, (select claim_space from facts) as kind, crm_id as value
    from said where crm_id is not null
    union all
    select record_no, 'phone', unnest(phones) from said
    union all
    select record_no, 'email', unnest(email_keys) from said
) as claimed
left join match_keys using (kind)
