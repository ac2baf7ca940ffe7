-- What won each field of those people of whom several leads speak, or one lead several times.
-- Reads    field_ranks
-- Returns  won_ids, won_texts: persona_id, and a column for each field. golden: without rows yet.
-- Promise  in steps of their own, each of which spills: three columns of all people, all columns of
--          few.
create or replace table won_ids as
select persona_id, {won_ids}
from field_ranks
where place = 1 and field in ('crm_id', 'phone', 'email')
group by persona_id;

create or replace table won_texts as
select persona_id, {won_texts}
from field_ranks
where place = 1 and field not in ('crm_id', 'phone', 'email')
group by persona_id;

create or replace table golden as
select persona_id, {golden}, is_phone_exclusive, is_ended, merged_into, edited_fields
from stored_personas limit 0
