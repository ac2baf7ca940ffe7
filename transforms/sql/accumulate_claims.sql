-- The claims of each record that its lead's own columns do not show.
-- Reads    claims, nodes, staged, stated, folded, stored_leads, facts
-- Returns  other_claims: source_record_id, of_statement (of this file's rows), of_lead (of all).
-- Promise  a record that is not in it has none. Claims accumulate: those of superseded and
--          duplicate rows still identify.
create or replace table other_claims as
-- A record of one row that nobody knew shows all that it claims.
with several as (
    select source_record_id from staged group by source_record_id having count(*) > 1
    union
    select source_record_id from stored_leads where is_in_batch
),
listed as (
    select source_record_id, list(kind || '=' || value) as said
    from claims
    join (select * from nodes semi join several using (source_record_id)) as nodes using (record_no)
    where kind in ('phone', 'email', (select claim_space from facts))
    group by source_record_id
),
sides as (
    select
        source_record_id, coalesce(said, []) as said,
        claims_of(claim_space, stated.crm_id, stated.phones, stated.email_keys) as of_statement,
        claims_of(claim_space, folded.crm_id, folded.phones, folded.email_keys) as of_lead,
        list_concat(
            coalesce(stored.claims, []),
            claims_of(claim_space, stored.crm_id, stored.phones, stored.email_keys)
        ) as of_stored
    from stated
    semi join several using (source_record_id)
    join folded using (source_record_id)
    left join listed using (source_record_id)
    left join (select * from stored_leads where is_in_batch) as stored using (source_record_id)
    cross join facts
)
select
    source_record_id,
    list_sort(list_filter(said, lambda claim: not list_contains(of_statement, claim)))
        as of_statement,
    list_sort(list_distinct(list_filter(
        list_concat(said, of_stored), lambda claim: not list_contains(of_lead, claim)
    ))) as of_lead
from sides
