-- The lines of the table that the file is about which are no rows of it after all.
-- Reads    unkeyed_lines, keyed_lines, keyed_changes, row_facts, landed, issues
-- Returns  code, and landed's columns.
select
    case when line_no in (from unkeyed_lines) then 'reference_unknown' else 'key_taken' end as code,
    landed.*
from landed
where line_no in (from unkeyed_lines) or line_no in (
    select keyed_lines.line_no
    from keyed_lines
    join keyed_changes as changes using (row_key)
    join row_facts using (table_name)
    where action = 'taken'
)
order by line_no
