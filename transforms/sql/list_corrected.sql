-- Which rejects of the import that this one corrects are loaded now.
-- Reads    corrected_lines, plan_issues
-- Returns  corrects_line: lines of the corrected import.
-- Promise  a line of which several rows were made counts once all of them are loaded.
select corrects_line
from corrected_lines
left join (
    select distinct line_no, true as is_rejected from plan_issues where severity = 'reject'
) as rejects using (line_no)
where corrects_line is not null
group by corrects_line
having not bool_or(coalesce(is_rejected, false))
order by corrects_line
