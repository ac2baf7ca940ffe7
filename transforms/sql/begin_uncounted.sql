-- The names of each value that has several, while nobody stands for them yet.
-- Reads    value_names, value_people, names, nicknames
-- Returns  uncounted: value_no, turn (in which order names are taken), and the name's traits.
-- Promise  the turn is that of the name's content: the fullest first, then the longest, then by text.
create or replace table uncounted as
with several as (
    select distinct value_no, name_no
    from value_names semi join (from value_people where people = 0) using (value_no)
),
ranked as (
    select
        *,
        row_number() over (
            order by
                (first_key is not null)::int + (last_key is not null)::int
                    + (suffix_key is not null)::int desc,
                length(concat(first_key, last_key, suffix_key)) desc,
                first_key nulls last, last_key nulls last, suffix_key nulls last
        ) as turn
    from name_traits() semi join several using (name_no)
    where coalesce(first_key, last_key, suffix_key) is not null
)
select value_no, ranked.* from several join ranked using (name_no)
