-- What is kept of rejects and damaged cells as it came.
-- Reads    issues
-- Returns  line_no, raw, encoding.
select line_no, raw, encoding from issues where raw is not null order by line_no
