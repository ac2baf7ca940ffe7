-- The statements to fold: of each lead those up to a place.
-- Reads    remaining, upto
-- Returns  taken: the statements that have text. fold_input: those of leads that have several, by
--          lead_id in the place of source_record_id.
-- Promise  of several statements of the same text only the last counts; that a snapshot no longer
--          had the record says nothing of it.
create or replace table taken as
select remaining.*
from remaining
join upto using (lead_id)
where remaining.place <= upto.place and not is_missing
qualify fingerprint is null
    or row_number() over (partition by lead_id, fingerprint order by remaining.place desc) = 1;

create or replace table fold_input as
select lead_id as source_record_id, place as seq, field_clocks, {stated}
from taken
semi join (select lead_id from taken group by lead_id having count(*) > 1) as several
    using (lead_id)
