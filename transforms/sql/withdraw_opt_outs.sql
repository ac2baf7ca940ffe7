-- Opt-outs that an undo withdraws since it was told to, and those that it brings back.
-- Reads    own_opt_outs, row_log, stored_leads (as they will be), sources
-- Returns  plan_opt_outs: action and the table's columns. kept_opt_outs: those that stay, since
--          a later file of the feed may have said the same: it speaks of that phone, email or
--          record, and what is said again is not written down again.
create or replace table kept_opt_outs as
with said as (
    select
        source_file, split_part(claim, '=', 1) as kind,
        substr(claim, strpos(claim, '=') + 1) as value
    from (
        select source_file, unnest(list_concat(
            claims_of(claim_space, crm_id, phones, email_keys), coalesce(claims, [])
        )) as claim
        from stored_leads left join sources using (source)
    )
    union all
    select source_file, 'record', source_record_id from stored_leads
)
select kind, value, channel, source_file
from own_opt_outs semi join said using (kind, value, source_file)
where has_later;

create or replace table plan_opt_outs as
select
    'delete' as action, kind, value, channel, source_file, null::timestamptz as stated_at,
    null::varchar as import_id
from own_opt_outs anti join kept_opt_outs using (kind, value, channel, source_file)
union all
select
    'insert', before->>'kind', before->>'value', before->>'channel', before->>'source_file',
    (before->>'stated_at')::timestamptz, before->>'import_id'
from row_log where table_name = 'opt_outs'
