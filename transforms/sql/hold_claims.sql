-- Who holds each claim of the batch from now on.
-- Reads    claims, assigned (personas named), stored_identities
-- Returns  new_identities: kind, value, persona_id.
--          taken_claims: record_no, kind, value, priority: stated, but held by another persona.
-- Promise  one exclusive claim, one persona: who holds it keeps it; of several new holders the
--          oldest persona gets it.
create or replace table holders as
with stated as (
    select claims.kind, claims.value, min(assigned.persona_id) as persona_id
    from claims join assigned using (record_no)
    group by claims.kind, claims.value
)
select
    stated.kind, stated.value,
    coalesce(stored.persona_id, stated.persona_id) as persona_id,
    stored.persona_id is null as is_new
from stated
left join (
    select kind, value, min(persona_id) as persona_id from stored_identities group by kind, value
) as stored using (kind, value);

create or replace table new_identities as
select kind, value, persona_id from holders where is_new;

create or replace table taken_claims as
select claims.*
from claims
join assigned using (record_no)
join holders using (kind, value)
where holders.persona_id <> assigned.persona_id
