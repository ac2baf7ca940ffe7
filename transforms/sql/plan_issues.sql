-- Rejected rows and damaged cells, and the claims that others hold.
-- Reads    issues, late_issues, late_rejects, taken_claims, nodes, staged, corrected_lines
-- Returns  plan_issues: the columns of import_issues.
-- Promise  one row for each claim of a record that another persona holds, at its first line.
create or replace table plan_issues as
with found as (
    select line_no, severity, code, field, message, raw, encoding from issues
    union all by name
    select line_no, severity, code, field, message, raw, encoding from late_issues
    union all by name
    select line_no, 'reject' as severity, code, raw, encoding from late_rejects
    union all by name
    select
        min(staged.line_no) as line_no, 'issue' as severity, 'claim_taken' as code,
        case taken.kind when 'phone' then 'phones' when 'email' then 'emails' else 'crm_id' end
            as field,
        encode(replace(taken.value, chr(31), ' ')) as raw, 'utf-8' as encoding
    from taken_claims as taken
    join nodes using (record_no)
    join staged using (source_record_id)
    group by taken.record_no, taken.kind, taken.value
)
select found.*, corrected.corrects_line
from found
left join corrected_lines as corrected using (line_no)
