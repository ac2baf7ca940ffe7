-- The key of each line of one keyed table, and what each of its statements is.
-- Reads    row_lines, row_values, row_columns
-- Returns  unkeyed_lines: line_no of those that lack what every such row refers to. keyed_lines:
--          line_no, row_key. new_statements: row_key, line_no, stated_at, digest; one of lines that
--          follow each other and say the same of the same time.
create or replace table unkeyed_lines as
select distinct line_no
from row_lines
cross join (
    select column_name from row_columns where is_required or key_place is not null
) as needed
anti join row_values using (line_no, column_name);

create or replace table keyed_lines as
select line_no, string_agg(value, chr(31) order by key_place) as row_key
from row_values
join row_columns using (column_name)
where key_place is not null and line_no not in (from unkeyed_lines)
group by line_no;

create or replace table new_statements as
select row_key, line_no, stated_at, digest
from (
    select line_no, digest_of(column_name, value) as digest from row_values group by line_no
)
join keyed_lines using (line_no)
join row_lines using (line_no)
qualify lag(digest) over (partition by row_key, stated_at order by line_no) is distinct from digest
