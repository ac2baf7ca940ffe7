-- People as they are: whoever holds a claim holds it, and everybody is looked at.
-- Reads    stored_identities, stored_personas
-- Returns  holdings: kind, value, persona_id, is_exclusive, was_exclusive. touched: persona_id.
-- Promise  what is explained is what is stored, also where another policy would decide otherwise.
create or replace table holdings as
select kind, value, persona_id, is_exclusive, is_exclusive as was_exclusive
from stored_identities;

create or replace table touched as select persona_id from stored_personas
