-- Everybody who is known counts as touched.
-- Reads    stored_personas, stored_leads
-- Returns  touched: persona_id.
create or replace table touched as
select persona_id from stored_personas
union
select persona_id from stored_leads
