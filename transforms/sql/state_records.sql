-- What this file says of each record: one statement.
-- Reads    staged, fold_output (of the records with several rows), records, landed, issues
-- Returns  stated: source_record_id, what is stated, field_clocks, fingerprint.
-- Promise  a record with a rejected row has no fingerprint: it is known again by nothing, so that
--          the reject is told each time.
create or replace table stated as
with statements as (
    select
        * replace (
            nullif(phones, []) as phones, nullif(emails, []) as emails,
            nullif(email_keys, []) as email_keys, nullif(tags, []) as tags,
            coalesce(is_deleted, false) as is_deleted,
            coalesce(last_activity_at, clock) as last_activity_at,
            canonical_extra(extra) as extra
        ),
        null::varchar as field_clocks
    from (select source_record_id, {stated} from staged semi join nodes using (source_record_id) anti join fold_output using (source_record_id))
    union all by name
    from fold_output
)
select
    statements.*,
    case when partial.source_record_id is null then records.fingerprint end as fingerprint
from statements
join records using (source_record_id)
left join (
    select distinct landed.source_record_id
    from landed join issues using (line_no)
    where issues.severity = 'reject'
) as partial using (source_record_id)
