-- The stored persona that each record follows: that of its own lead, else of its best claim.
-- Reads    nodes, claims, folded, stored_identities
-- Returns  anchored: record_no, priority (0 its own lead, else the claim's), persona_id.
-- Promise  of several personas at the same priority the oldest is followed; ids sort by age.
create or replace table anchored as
with anchors as (
    select nodes.record_no, 0 as priority, folded.stored_persona_id as persona_id
    from folded join nodes using (source_record_id)
    where folded.stored_persona_id is not null
    union all
    select claims.record_no, claims.priority, stored.persona_id
    from claims
    join stored_identities as stored using (kind, value)
)
select record_no, min(priority) as priority, arg_min(persona_id, (priority, persona_id)) as persona_id
from anchors
group by record_no
