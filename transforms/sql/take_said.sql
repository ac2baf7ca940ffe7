-- What the file says of one keyed table, line by line.
-- Reads    said_rows, said_cells, landed, row_columns, row_facts, late_rejects
-- Returns  row_lines: line_no, stated_at. row_values: line_no, column_name, value, but for references
--          (resolve_reference.sql). references_named: line_no, column_name, value.
--          reference_issues: none yet.
-- Promise  a blank id that is made gets one from the row's text, as a record without an id does.
create or replace table row_lines as
select line_no, stated_at
from said_rows
join row_facts using (table_name)
where not (is_entity and line_no in (select line_no from late_rejects));

create or replace table references_named as
select line_no, column_name, value
from said_cells
join row_facts using (table_name)
join row_columns using (column_name)
semi join row_lines using (line_no)
where kind = 'reference';

create or replace table row_values as
select line_no, column_name, value
from said_cells
join row_facts using (table_name)
join row_columns using (column_name)
semi join row_lines using (line_no)
where kind <> 'reference';

insert into row_values
select line_no, column_name, 'h1_' || row_hash
from row_lines
join landed using (line_no)
cross join (select column_name from row_columns where is_made)
anti join row_values using (line_no, column_name);

create or replace table reference_issues as
from references_named where false
