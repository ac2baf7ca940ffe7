-- Which claims get a holder, as rows of identities.
-- Reads    new_identities
-- Returns  plan_identities: the table's columns; all are inserts.
-- Promise  a claim that has a holder is not in it.
create or replace table plan_identities as
select kind, value, persona_id from new_identities
