-- The ledger's counts: every row of the file once.
-- Reads    landed, issues, records, changed_records, staged, lead_changes
-- Returns  one row: landed, rejected, duplicate, inserted, updated, unchanged.
-- Promise  their sum is `landed`. A record counts by one of its rows; its others are duplicates.
with rejected as (
    select count(distinct line_no) as row_count from issues where severity = 'reject'
),
outside as (
    select count(distinct line_no) as row_count
    from issues anti join landed using (line_no)
    where severity = 'reject'
),
accepted as (
    select
        (select count(*) from landed) + outside.row_count - rejected.row_count as row_count
    from outside, rejected
),
known as (
    select count(*) as record_count from records anti join changed_records using (source_record_id)
),
folded as (
    select
        count(*) as record_count,
        count(*) filter (where action = 'insert') as inserted,
        count(*) filter (where action = 'update') as updated,
        count(*) filter (where action = 'unchanged') as unchanged
    from lead_changes
)
select
    accepted.row_count + rejected.row_count as landed,
    rejected.row_count as rejected,
    accepted.row_count - folded.record_count - known.record_count as duplicate,
    folded.inserted, folded.updated,
    folded.unchanged + known.record_count as unchanged
from rejected, accepted, known, folded
