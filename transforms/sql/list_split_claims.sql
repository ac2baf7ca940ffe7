-- Phones and emails that several parts of one person state who is taken apart.
-- Reads    said_claims, parts
-- Returns  split_claims: kind, value.
create or replace table split_claims as
select kind, value
from said_claims semi join (select distinct persona_id from parts) as apart using (persona_id)
group by kind, value having count(distinct persona_id) > 1
