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
rejects as (
    select distinct line_no from issues where severity = 'reject'
),
-- Not `anti join landed`, which would hold all lines of a large file in memory.
outside as (
    select (select count(*) from rejects)
        - (select count(*) from landed semi join rejects using (line_no)) as row_count
),
totals as (
    select (select count(*) from landed) + outside.row_count as row_count from outside
),
-- Changed records are records, each once.
known as (
    select (select count(*) from records) - (select count(*) from changed_records) as record_count
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
