-- What several statements of this folder say in the same way.
-- Returns  macros: texts_of, canonical_json, canonical_extra, numbered_id, clock_of, clock_text, clocks_of, keeps_board, keep_edited,
--          claims_of, composite_of, statement_digest, records_digest (an aggregate).
create or replace macro texts_of(document) as (
    json_transform(document::json, '"MAP(VARCHAR, VARCHAR)"')
);

-- A JSON object of texts with its keys in order, so that two that say the same are the same text.
create or replace macro canonical_json(document) as (
    to_json(map_from_entries(list_sort(map_entries(texts_of(document)))))::varchar
);

-- The same of what conform.py writes, which is in that form already, but for escapes.
create or replace macro canonical_extra(extra) as (
    case when contains(extra, '\') then canonical_json(extra) else extra end
);

-- The id of one of an import's new rows (transforms/ids.py, number_part): ids of the same import sort
-- by number. Base 32 of the ULID spec, which has no I, L, O and U.
create or replace macro numbered_id(prefix, part, number) as (
    prefix || '_' || part
        || translate(to_base(number, 32, 8), 'IJKLMNOPQRSTUV', 'JKMNPQRSTVWXYZ')
);

-- The clock of a field: its own where it has one (null: none at all), else that of its statement.
create or replace macro clock_of(field_clocks, field, clock) as (
    case
        when field_clocks is null then clock
        when map_contains(texts_of(field_clocks), field)
            then texts_of(field_clocks)[field]::timestamptz
        else clock
    end
);

-- A clock as field_clocks spells it, in JSON.
create or replace macro clock_text(clock) as (
    coalesce(
        to_json(strftime(make_timestamp(epoch_us(clock)), '%Y-%m-%dT%H:%M:%S.%fZ'))::varchar, 'null'
    )
);

-- What holds of a field: what somebody wrote by hand, else what imports say.
create or replace macro keep_edited(edited_fields, field, stored, said) as (
    case when map_contains(texts_of(edited_fields), field) then coalesce(stored, said) else said end
);

-- Whether a lead stays on its board: somebody chose that by hand, or there are no rules.
create or replace macro keeps_board(edited_fields, has_rules) as (
    coalesce(
        map_contains(texts_of(edited_fields), 'board_id')
            or map_contains(texts_of(edited_fields), 'board_name'),
        false
    )
    or not has_rules
);

-- field_clocks of a statement that empties fields: a field with a clock and no value is one.
create or replace macro clocks_of(cleared, clock) as (
    case when len(cleared) > 0 then
        '{' || array_to_string(list_transform(
            cleared, lambda field: to_json(field)::varchar || ':' || clock_text(clock)
        ), ',') || '}'
    end
);

-- What identifies somebody, as leads.claims spells it.
create or replace macro claims_of(claim_space, crm_id, phones, email_keys) as (
    list_concat(
        case when crm_id is not null then [claim_space || '=' || crm_id] else [] end,
        list_concat(
            list_transform(coalesce(phones, []), lambda value: 'phone=' || value),
            list_transform(coalesce(email_keys, []), lambda value: 'email=' || value)
        )
    )
);

-- 63 bits by which a statement of a record is known again.
create or replace macro statement_digest(source_record_id, fingerprint) as (
    (md5_number_lower(source_record_id || chr(31) || coalesce(fingerprint, '')) >> 1)::bigint
);

-- An aggregate over statements, in any order: how many they are, and the sum of their digests.
create or replace macro records_digest(source_record_id, fingerprint) as (
    count(*) || ' ' || coalesce(sum(statement_digest(source_record_id, fingerprint)), 0)
);

-- A claim of several parts. The CRM id, phone or email of it must be there; another part that is
-- blank is a value of its own, so that a lead without a niche is one lead and not none.
create or replace macro composite_of(
    parts, crm_id, device_id, user_id, phone, email_key, niche, product
) as (
    case
        when list_contains(parts, 'crm_id') and crm_id is null then null
        else concat_ws(
            chr(31),
            case when list_contains(parts, 'crm_id') then crm_id end,
            case when list_contains(parts, 'device_id') then coalesce(device_id, '') end,
            case when list_contains(parts, 'user_id') then coalesce(user_id, '') end,
            case when list_contains(parts, 'phone') then phone end,
            case when list_contains(parts, 'email') then email_key end,
            case when list_contains(parts, 'niche') then coalesce(niche, '') end,
            case when list_contains(parts, 'product') then coalesce(product, '') end
        )
    end
)
