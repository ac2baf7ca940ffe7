-- The statements of one source record -> one lead, field by field.
-- Reads    staged, stored_leads, records, issues
-- Returns  folded: one row per source record of the batch, with its stored lead where there is one.
-- Promise  the newest statement that states a field wins it: by the source's clock; of those of one
--          time by their content; of those without a clock stored before new, then by line. A
--          statement without a clock is older than any with one. A blank never erases, and an
--          opt-out is taken back by none.
create or replace table folded as
with statements as (
    select
        * replace (
            nullif(phones, []) as phones, nullif(emails, []) as emails,
            nullif(email_keys, []) as email_keys
        ),
        count(*) over (partition by source_record_id) as statement_count
    from (
        select *, true as is_new from staged
        union all by name
        select source_record_id, 0 as line_no, {stated}, false as is_new
        from stored_leads semi join staged using (source_record_id)
        where is_in_batch
    )
),
-- Most records are stated once, and need no fold.
single as (
    select * exclude (line_no, is_new, statement_count) from statements where statement_count = 1
),
ranked as (
    select
        * exclude (is_new, statement_count),
        row_number() over (
            partition by source_record_id
            order by
                clock nulls first,
                case when clock is null then is_new end,
                case when clock is null then line_no end,
                content
        ) as recency
    from (
        -- Statements of the same time have no order of their own but their content, which is the
        -- same whether a statement comes in this file or came in an earlier one.
        select *, md5(row({stated})::varchar) as content
        from (
            select * replace (canonical_json(extra) as extra)
            from statements
            where statement_count > 1
        )
    )
),
several as (
    select
        source_record_id, max(clock) as clock,
        arg_max(columns(* exclude (
            source_record_id, line_no, content, clock, opt_outs, extra, recency
        )), recency),
        list_sort(list_distinct(flatten(list(opt_outs)))) as opt_outs,
        canonical_json(list_reduce(
            list(extra order by recency) filter (where extra is not null),
            lambda older, newer: json_merge_patch(older, newer)
        )) as extra
    from ranked
    group by source_record_id
),
leads as (
    select * from single
    union all by name
    select * from several
)
select
    leads.*,
    stored.lead_id as stored_lead_id, stored.persona_id as stored_persona_id,
    stored.import_id as stored_import_id, stored.version,
    -- A record with a rejected row is known again by nothing, so that the reject is told each time.
    case when partial.source_record_id is null then records.fingerprint end as fingerprint
from leads
join records using (source_record_id)
left join (select * from stored_leads where is_in_batch) as stored using (source_record_id)
left join (
    select distinct landed.source_record_id
    from landed join issues using (line_no)
    where issues.severity = 'reject'
) as partial using (source_record_id)
