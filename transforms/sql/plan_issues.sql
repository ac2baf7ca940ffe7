-- Rejected rows and damaged cells, and the claims that others hold.
-- Reads    issues, taken_claims, nodes, staged
-- Returns  plan_issues: the columns of import_issues.
-- Promise  one row for each claim of a record that another persona holds, at its first line.
create or replace table plan_issues as
select line_no, severity, code, field, message, raw, encoding from issues
union all by name
select
    min(staged.line_no) as line_no, 'issue' as severity, 'claim_taken' as code,
    case taken.priority when 1 then 'crm_id' when 2 then 'phones' else 'emails' end as field,
    encode(taken.value) as raw, 'utf-8' as encoding
from taken_claims as taken
join nodes using (record_no)
join staged using (source_record_id)
group by taken.record_no, taken.priority, taken.kind, taken.value
