-- What is still said of the records of an import that is undone.
-- Reads    statements, repeats
-- Returns  repeating: what later files repeat, with is_active (no: of a file that is undone, too).
--          remaining: the statements that count from now on, with place (1, 2, ... of each lead).
--          upto: lead_id, place; up to which of them to fold.
-- Promise  a statement that a later file repeats is that file's when the first is undone.
create or replace table repeating as
select said.* replace (
    repeats.import_id as import_id, repeats.seq as seq, null as line_no, false as is_stored,
    repeats.is_active as is_active
)
from repeats
join statements as said on said.lead_id = repeats.lead_id
    and said.import_id = repeats.of_import_id
anti join statements as stored
    on stored.lead_id = repeats.lead_id and stored.import_id = repeats.import_id;

create or replace table remaining as
with counted as (
    select * exclude (is_active) from statements where is_active
    union all by name
    select * exclude (is_active) from repeating where is_active
)
select *, row_number() over (partition by lead_id order by seq, import_id) as place from counted;

create or replace table upto as
select lead_id, max(place) as place from remaining group by lead_id
