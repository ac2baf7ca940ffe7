-- What the statements of an import that is undone claim.
-- Reads    statements, undoable_leads, sources
-- Returns  said_claims, with those added.
insert into said_claims
select distinct split_part(claim, '=', 1), substr(claim, strpos(claim, '=') + 1), persona_id
from (
    select persona_id, unnest(list_concat(
        claims_of(claim_space, crm_id, phones, email_keys), coalesce(claims, [])
    )) as claim
    from statements
    join undoable_leads using (lead_id)
    left join sources using (source)
)
