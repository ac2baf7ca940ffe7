-- Rows about people who were erased become rejects of which nothing is kept.
-- Reads    row_claims, erased_claims, silenced_lines, erased_lines, landed, staged, said_rows,
--          said_cells, stated_opt_outs, issues
-- Returns  erased_lines with the line_no of all rows that speak of them. staged, stated_opt_outs and issues
--          without those; a reject of code `erased` for each row of their records.
-- Promise  a record goes whole: its other rows are about the same person. Done again, it finds
--          nothing more, and forgets no line that it found before.
create or replace table erased_rows as
select line_no, encoding
from landed
semi join (
    select source_record_id from row_claims semi join erased_claims using (kind, value)
) as gone using (source_record_id)
cross join (select max(value) as encoding from notes where name = 'encoding');

insert into erased_lines
select line_no from (select line_no from erased_rows union select line_no from silenced_lines)
anti join erased_lines using (line_no);

delete from staged where line_no in (select line_no from erased_rows);

delete from said_rows where line_no in (select line_no from erased_rows);

delete from said_cells where line_no in (select line_no from erased_rows);

delete from stated_opt_outs where line_no in (select line_no from erased_lines);

delete from issues where line_no in (select line_no from erased_rows);

insert into issues by name
select line_no, 'reject' as severity, 'erased' as code, encoding from erased_rows;

update issues set raw = null, message = null
where line_no in (select line_no from silenced_lines)
