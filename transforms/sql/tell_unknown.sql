-- What cells name and nobody knows, of rows that are loaded without it.
-- Reads    reference_issues, unkeyed_lines
-- Returns  adds to late_issues: one row for each such cell.
insert into late_issues by name
select
    line_no, 'issue' as severity, 'reference_dropped' as code, column_name as field,
    encode(value) as raw, 'utf-8' as encoding
from reference_issues
anti join unkeyed_lines using (line_no)
