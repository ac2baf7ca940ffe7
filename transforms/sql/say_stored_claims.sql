-- Which claims the stored leads of all people state, and which of them several people state.
-- Reads    stored_leads, stored_identities, sources
-- Returns  said_claims: kind, value, persona_id. divided: kind, value.
-- Promise  what is one person's alone becomes so again, whatever another policy said of it.
create or replace table said_claims as
with leads as (
    select stored.*, sources.claim_space,
        list_concat(
            claims_of(claim_space, crm_id, phones, email_keys), coalesce(claims, [])
        ) as said
    from stored_leads as stored left join sources using (source)
)
select distinct
    split_part(claim, '=', 1) as kind, substr(claim, strpos(claim, '=') + 1) as value, persona_id
from (select persona_id, unnest(said) as claim from leads);

create or replace table divided as
select kind, value
from (select kind, value, persona_id from said_claims union
    select kind, value, persona_id from stored_identities)
semi join (select kind, value from stored_identities where not is_exclusive) as open
    using (kind, value)
group by kind, value
having count(distinct persona_id) > 1
