-- What reading noticed about rows that are judged now.
-- Reads    reading_issues, unjudged_lines
-- Returns  issues, with those rows added.
-- Promise  of a record that was there before, nothing is told a second time.
insert into issues
select reading_issues.* from reading_issues semi join unjudged_lines using (line_no)
