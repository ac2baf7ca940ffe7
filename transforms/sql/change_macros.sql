-- How a plan writes people and times for its readers.
-- Returns  macros: person_name, key_values, shown_time, kind_words, shown_value.
create or replace macro person_name(first_name, last_name, suffix, full_name, profile_name, company) as (
    case
        when first_name is not null and last_name is not null
            then concat_ws(' ', first_name, last_name, suffix)
        else coalesce(
            full_name, nullif(concat_ws(' ', first_name, last_name, suffix), ''), profile_name,
            company
        )
    end
);

-- By what an analyst knows a person again.
create or replace macro key_values(name, phones, emails, id) as (
    coalesce(nullif(concat_ws(', ', name, nullif(phones, ''), nullif(emails, '')), ''), id)
);

-- In UTC, and no finer than it was stated.
create or replace macro shown_time(instant) as (
    rtrim(rtrim(strftime(make_timestamp(epoch_us(instant)), '%Y-%m-%d %H:%M:%S.%f'), '0'), '.')
);

create or replace macro kind_words(kind) as (
    case
        when kind in ('phone', 'email') then kind
        when contains(kind, '+') then replace(replace(kind, '_', ' '), '+', ' and ')
        else kind || ' id'
    end
);

-- The parts of a composite stand beside each other.
create or replace macro shown_value(value) as (replace(value, chr(31), ' / '))
