-- What each person holds from now on.
-- Reads    met_identities, stored_identities; $part of $parts, from 0
-- Returns  held_lists, those of one part of the people added: persona_id, claims, shared_claims, as
--          personas spells them. Who holds nothing any more is not in it.
insert into held_lists
select
    persona_id, list_sort(list(claim)) as claims,
    list_sort(list(claim) filter (not is_exclusive)) as shared_claims
from (
    select persona_id, kind || '=' || value as claim, is_exclusive
    from (from stored_identities where hash(persona_id) % $parts = $part)
    anti join met_identities using (kind, value, persona_id)
    union all
    select persona_id, kind || '=' || value, is_exclusive
    from met_identities where action <> 'delete' and hash(persona_id) % $parts = $part
)
group by persona_id
