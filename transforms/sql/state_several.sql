-- The rows of the records that the batch states more than once, or of which it empties a field.
-- Reads    staged, nodes
-- Returns  fold_input: the rows, in the order of their lines.
create or replace table fold_input as
select source_record_id, line_no as seq, clocks_of(cleared, clock) as field_clocks, {stated}
from staged
semi join (
    select source_record_id from staged semi join nodes using (source_record_id)
    group by source_record_id having count(*) > 1 or bool_or(len(cleared) > 0)
) as several using (source_record_id)
