-- Which statement of a lead said what, field by field and claim by claim.
-- Reads    statements, stored_leads, sources
-- Returns  said_values: lead_id, seq, field, value, clock. said_by: kind, value, lead_id, seq.
-- Promise  of several statements of the same text, read by other rules, the last one counts for
--          values; for claims each counts, since claims accumulate.
create or replace table said_values as
with counted as (
    from statements
    qualify fingerprint is null
        or row_number() over (partition by lead_id, fingerprint order by seq desc) = 1
)
select lead_id, seq, field, value, clock_of(field_clocks, field, clock) as clock
from (
    select lead_id, seq, clock, field_clocks, crm_id, {golden_texts},
        to_json(nullif(tags, []))::varchar as tags
    from counted
) unpivot (value for field in (crm_id, {golden_texts}, tags))
union all
select lead_id, seq, 'phone', unnest(phones), clock_of(field_clocks, 'phones', clock)
from counted
union all
select lead_id, seq, 'email', unnest(list_distinct(list_concat(emails, email_keys))),
    clock_of(field_clocks, 'emails', clock)
from counted
union all
select lead_id, seq, split_part(claim, '=', 1), substr(claim, 7), null
from (select lead_id, seq, unnest(claims) as claim from counted)
where starts_with(claim, 'phone=') or starts_with(claim, 'email=');

create or replace table said_by as
with listed as (
    select lead_id, seq, list_concat(
        claims_of(claim_space, said.crm_id, said.phones, said.email_keys), coalesce(said.claims, [])
    ) as claims
    from statements as said
    join stored_leads using (lead_id)
    left join sources on sources.source = stored_leads.source
)
select distinct
    split_part(claim, '=', 1) as kind, substr(claim, strpos(claim, '=') + 1) as value, lead_id, seq
from (select lead_id, seq, unnest(claims) as claim from (
    from listed
    union all by name
    -- What a statement said that is kept no more.
    select lead_id, last_seq as seq, claims from stored_leads
    join (select lead_id, max(seq) as last_seq from statements group by lead_id) using (lead_id)
))
