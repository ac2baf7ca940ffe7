-- What was staged of rows that are not to change anything now, and what remains to be judged.
-- Reads    changed_lines, judged_lines, staged, said_rows, said_cells, stated_opt_outs, issues
-- Returns  staged, said_rows, said_cells, stated_opt_outs, issues and judged_lines without lines that
--          were judged and do not change; unjudged_lines: line_no.
-- Promise  what is wrong with lines that are no rows, or with the file's name, stays.
create or replace table unchanged_lines as
select line_no from judged_lines anti join changed_lines using (line_no);

delete from staged where line_no in (from unchanged_lines);

delete from said_rows where line_no in (from unchanged_lines);

delete from said_cells where line_no in (from unchanged_lines);

delete from stated_opt_outs where line_no in (from unchanged_lines);

delete from issues
where line_no in (from unchanged_lines) and field is distinct from 'file_name';

delete from judged_lines where line_no in (from unchanged_lines);

create or replace table unjudged_lines as
select line_no from changed_lines anti join judged_lines using (line_no) order by line_no
