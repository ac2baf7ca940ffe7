-- The ledger's counts: every row of the file once.
-- Reads    landed, issues, records, changed_records, staged, lead_changes, lone_records
-- Returns  one row: landed, rejected, duplicate, inserted, updated, unchanged, deleted.
-- Promise  their sum is `landed`. A record counts by one of its rows; its others are duplicates.
with rejected as (
    select
        count(distinct line_no) + (
            select count(*) from staged
            semi join (select source_record_id from lead_changes where action = 'reject') as unknown
                using (source_record_id)
        ) as row_count
    from issues where severity = 'reject'
),
outside as (
    select count(distinct line_no) as row_count
    from issues anti join landed using (line_no)
    where severity = 'reject'
),
totals as (
    select (select count(*) from landed) + outside.row_count as row_count from outside
),
known as (
    select count(*) as record_count from records anti join changed_records using (source_record_id)
),
folded as (
    select
        count(*) filter (where action = 'insert' and not is_ending)
            + (select count(*) from lone_records) as inserted,
        count(*) filter (where action = 'update' and not is_ending) as updated,
        count(*) filter (where action = 'unchanged') as unchanged,
        count(*) filter (where action in ('insert', 'update') and is_ending) as deleted
    from lead_changes
)
select
    totals.row_count as landed,
    rejected.row_count as rejected,
    totals.row_count - rejected.row_count - inserted - updated - unchanged - deleted
        - known.record_count as duplicate,
    folded.inserted, folded.updated,
    folded.unchanged + known.record_count as unchanged,
    folded.deleted
from totals, rejected, known, folded
