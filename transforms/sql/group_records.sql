-- The rows of each source record, and the fingerprint by which it is known again.
-- Reads    landed
-- Returns  records: source_record_id, row_count, line_no (of its first row), fingerprint (128 bits,
--          hex).
-- Promise  the fingerprint is that of the set of rows: neither their order nor a repeated row
--          changes it.
create or replace table records as
with grouped as (
    select
        source_record_id, count(*) as row_count, min(line_no) as line_no,
        min(row_hash) as first_hash, max(row_hash) as last_hash
    from landed
    group by source_record_id
),
-- Few records have rows that differ; only those pay for the sorted list.
differing as (
    select
        landed.source_record_id,
        md5(string_agg(distinct row_hash, ',' order by row_hash)) as fingerprint
    from landed
    join grouped using (source_record_id)
    where first_hash <> last_hash
    group by landed.source_record_id
)
select
    grouped.source_record_id, grouped.row_count, grouped.line_no,
    coalesce(differing.fingerprint, grouped.first_hash) as fingerprint
from grouped
left join differing using (source_record_id)
