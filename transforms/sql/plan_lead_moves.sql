-- Which leads go from one person to another.
-- Reads    moved_leads, facts
-- Returns  plan_lead_moves: the table's columns; all are inserts.
create or replace table plan_lead_moves as
select
    'insert' as action, lead_id, persona_id as from_persona_id, new_persona_id as to_persona_id,
    (select import_id from facts) as import_id
from moved_leads
where new_persona_id <> persona_id
