-- The rows of the records that the batch states more than once, or of which it empties a field.
-- Reads    staged, nodes, landed
-- Returns  fold_input: the rows, in the order of their lines.
-- Promise  of several rows of the same text only the last counts, as it would anyway.
create or replace table fold_input as
with several as (
    select source_record_id from staged semi join nodes using (source_record_id)
    group by source_record_id having count(*) > 1 or bool_or(len(cleared) > 0)
),
repeated as (
    select line_no
    from landed semi join several using (source_record_id) semi join staged using (line_no)
    qualify line_no < max(line_no) over (partition by source_record_id, row_hash)
)
select source_record_id, line_no as seq, clocks_of(cleared, clock) as field_clocks, {stated}
from staged
semi join several using (source_record_id)
anti join repeated using (line_no)
