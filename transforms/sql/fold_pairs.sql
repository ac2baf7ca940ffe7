-- The plain ones of several statements of one record: two at most, of which one is newer, and all of
-- whose fields have the clock of the whole. That is nearly all, at a tenth of what fold_fields takes.
-- Reads    fold_input, as fold_fields does
-- Returns  fold_output: what fold_fields makes of them. fold_input: what is left for it.
-- Promise  as fold_fields. Two of one clock are left to it, and those whose extra columns differ.
create or replace table fold_output as
with statements as (
    select
        * replace (
            nullif(phones, []) as phones, nullif(emails, []) as emails, nullif(tags, []) as tags
        ),
        rowid as row_no
    from fold_input
    semi join (
        select source_record_id from fold_input
        group by source_record_id having count(*) <= 2 and count(field_clocks) = 0
    ) as plain using (source_record_id)
)
select
    newer.source_record_id, {paired_texts},
    coalesce(newer.phones, older.phones) as phones,
    coalesce(newer.emails, older.emails) as emails,
    case
        when newer.emails is not null then newer.email_keys
        when older.emails is not null then older.email_keys
    end as email_keys,
    coalesce(newer.tags, older.tags) as tags,
    coalesce(newer.is_deleted, false) as is_deleted,
    nullif(canonical_extra(newer.extra), '{}') as extra,
    case when newer.clock is not null then
        '{' || nullif(concat_ws(',', {older_clocks}), '') || '}'
    end as field_clocks,
    newer.clock,
    greatest(
        coalesce(newer.last_activity_at, newer.clock), coalesce(older.last_activity_at, older.clock)
    ) as last_activity_at
from statements as newer
left join statements as older
    on older.source_record_id = newer.source_record_id and older.row_no <> newer.row_no
where older.source_record_id is null
    or case
        when newer.clock is null and older.clock is null then newer.seq > older.seq
        else coalesce(newer.clock > older.clock, older.clock is null)
    end
    and (older.extra is null or older.extra = newer.extra);

create or replace table fold_input as
from fold_input anti join fold_output using (source_record_id)
