-- What identifies each person, and which records state it.
-- Reads    stored_leads, stored_identities, sources
-- Returns  lead_claims: persona_id, lead_id (null: held, and stated by no record), kind, value.
create or replace table lead_claims as
with said as (
    select persona_id, lead_id, unnest(list_distinct(list_concat(
        claims_of(claim_space, crm_id, phones, email_keys), coalesce(claims, [])
    ))) as claim
    from stored_leads left join sources using (source)
),
stated as (
    select persona_id, lead_id, split_part(claim, '=', 1) as kind,
        substr(claim, strpos(claim, '=') + 1) as value
    from said
)
from stated
union all by name
select persona_id, null as lead_id, kind, value
from stored_identities anti join stated using (persona_id, kind, value)
