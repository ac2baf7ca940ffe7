-- Which row each line's reference in one column is to.
-- Reads    row_lines, references_named, column_now (column_name), found_rows (value, row_id: what
--          Postgres and the plan hold of what is named), same_line (line_no, row_id: what the row
--          itself is about)
-- Returns  adds to row_values the references that are known; to reference_issues those that are
--          named and unknown.
-- Promise  what a cell names is taken; where it names nothing, what the row itself is about. What is
--          named and cannot be told from another is unknown.
create or replace table named_now as
select line_no, column_name, value, row_id
from references_named
join column_now using (column_name)
left join found_rows using (value);

insert into row_values
select line_no, column_name, row_id as value from named_now where row_id is not null
union all
select line_no, column_name, row_id
from row_lines
join same_line using (line_no)
cross join column_now
anti join named_now using (line_no)
where row_id is not null;

insert into reference_issues
select line_no, column_name, value from named_now where row_id is null
