-- The ledger's counts, where the rows of a file count by those of a keyed table.
-- Reads    landed, issues, late_rejects, keyed_changes
-- Returns  one row: landed, rejected, duplicate, inserted, updated, unchanged, deleted.
-- Promise  their sum is `landed`. A row of the table counts by one line; its others are duplicates.
with rejected as (
    select line_no from issues where severity = 'reject'
    union
    select line_no from late_rejects
),
totals as (
    select
        (select count(*) from landed)
            + (select count(*) from rejected anti join landed using (line_no)) as row_count,
        (select count(*) from rejected) as rejected
),
changes as (
    select
        count(*) filter (where action = 'insert') as inserted,
        count(*) filter (where action = 'update') as updated,
        count(*) filter (where action = 'unchanged') as unchanged
    from keyed_changes where table_name = $entity
)
select
    row_count as landed, rejected,
    row_count - rejected - inserted - updated - unchanged as duplicate,
    inserted, updated, unchanged, 0::bigint as deleted
from totals, changes
