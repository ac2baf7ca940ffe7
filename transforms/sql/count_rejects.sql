-- How many rows a file has that should be records, and how many of them cannot be loaded, by reason.
-- Reads: landed, issues.
-- Returns: code, rejected, first_line, rows (of the file, the same in each), the most frequent first.
-- Promise: totals and footers, test leads and people who were erased are no fault of the file.
with rejects as (
    select line_no, min(code) as code
    from issues
    where severity = 'reject'
    group by line_no
),
faults as (
    select line_no, code
    from rejects
    where code not in ('not_a_record', 'test_row', 'erased')
),
whole as (
    select count(*) as rows
    from (
        select line_no from landed anti join rejects using (line_no)
        union all
        select line_no from faults
    )
)
select code, count(*) as rejected, min(line_no) as first_line, any_value(whole.rows) as rows
from faults cross join whole
group by code
order by rejected desc, code
