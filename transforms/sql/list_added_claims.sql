-- Which claims people get who stay as they are otherwise: apply does not lock their rows for it.
-- Reads    met_identities, met_personas (a lone record's person is new)
-- Returns  kind, value, persona_id, is_exclusive: rows of identities to insert.
select kind, value, persona_id, is_exclusive
from met_identities
anti join met_personas using (persona_id)
where met_identities.action = 'insert'
order by kind, value, persona_id
