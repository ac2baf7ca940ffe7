-- Several statements of one source record -> one, field by field.
-- Reads    fold_input: source_record_id, seq (order of landing), field_clocks and what was stated
-- Returns  adds to fold_output: source_record_id, what holds, and field_clocks: the clocks of the
--          fields whose clock is not that of the record, and of those that were emptied.
-- Promise  of each field, and of each other column, the newest statement that states it wins; of
--          those of one clock the greater text; of those without a clock the last that landed. So
--          the answer does not depend on how the statements were grouped on the way. A field that
--          was emptied has a clock and no value, so that nothing older fills it again.
insert into fold_output by name
with texts as (
    select source_record_id, seq, clock, field_clocks, field, value
    from (select source_record_id, seq, clock, field_clocks, crm_id, {texts} from fold_input)
    unpivot (value for field in (crm_id, {texts}))
),
others as (
    select source_record_id, seq, clock, field_clocks, 'phones' as field,
        to_json(phones)::varchar as value
    from fold_input where len(phones) > 0
    union all
    select source_record_id, seq, clock, field_clocks, 'emails',
        to_json(struct_pack(shown := emails, keys := email_keys))::varchar
    from fold_input where len(emails) > 0
    union all
    select source_record_id, seq, clock, field_clocks, 'tags', to_json(tags)::varchar
    from fold_input where len(tags) > 0
    union all
    select source_record_id, seq, clock, field_clocks, 'is_deleted',
        coalesce(is_deleted, false)::varchar
    from fold_input
    union all
    select source_record_id, seq, clock, field_clocks, 'extra:' || entry.key, entry.value
    from (
        select source_record_id, seq, clock, field_clocks,
            unnest(map_entries(texts_of(extra))) as entry
        from fold_input where extra is not null
    )
),
said as (
    from texts union all by name from others
),
emptied as (
    select *, null::varchar as value
    from (
        select source_record_id, seq, clock, field_clocks,
            unnest(map_keys(texts_of(field_clocks))) as field
        from fold_input where field_clocks is not null
    ) as keys
    anti join (from said where field_clocks is not null) as filled
        using (source_record_id, seq, field)
    where not starts_with(field, 'extra:')
),
won as (
    select source_record_id, field, arg_max(
        struct_pack(value := value, clock := clock),
        row(
            coalesce(epoch_us(clock), -9223372036854775807),
            case when clock is null then seq else 0 end,
            coalesce(value, '')
        )
    ) as best
    from (
        select source_record_id, seq, field, value, clock_of(field_clocks, field, clock) as clock
        from (from said union all by name from emptied)
    )
    group by source_record_id, field
),
records as (
    select source_record_id, max(clock) as clock,
        max(coalesce(last_activity_at, clock)) as last_activity_at
    from fold_input group by source_record_id
)
select
    source_record_id, {folded_texts},
    from_json(max(best.value) filter (field = 'phones'), '["VARCHAR"]') as phones,
    from_json(max(best.value) filter (field = 'emails')->'shown', '["VARCHAR"]') as emails,
    from_json(max(best.value) filter (field = 'emails')->'keys', '["VARCHAR"]') as email_keys,
    from_json(max(best.value) filter (field = 'tags'), '["VARCHAR"]') as tags,
    bool_or(best.value = 'true') filter (field = 'is_deleted') as is_deleted,
    '{' || string_agg(to_json(substr(field, 7))::varchar || ':' || to_json(best.value)::varchar,
        ',' order by field) filter (starts_with(field, 'extra:')) || '}' as extra,
    '{' || string_agg(
        to_json(field)::varchar || ':' || clock_text(best.clock), ',' order by field
    ) filter (best.value is null or best.clock is distinct from records.clock)
        || '}' as field_clocks,
    any_value(records.clock) as clock, any_value(records.last_activity_at) as last_activity_at
from won
join records using (source_record_id)
group by source_record_id
