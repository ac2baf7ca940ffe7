-- The records of the batch, numbered.
-- Reads    staged
-- Returns  nodes: record_no (0 upwards, by record id) and source_record_id.
create or replace table nodes as
select source_record_id, row_number() over (order by source_record_id) - 1 as record_no
from (select distinct source_record_id from staged)
