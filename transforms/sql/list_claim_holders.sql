-- Whose claims change, though they stay as they are otherwise: apply changes none of their rows.
-- Reads    met_identities, met_personas (a lone record's person is new), stored_personas, held_lists
-- Returns  persona_id, version (of the row, when it was read), claims, shared_claims (from now on)
select distinct persona_id, version, coalesce(claims, []) as claims, shared_claims
from met_identities
anti join met_personas using (persona_id)
join stored_personas using (persona_id)
left join held_lists using (persona_id)
order by persona_id
