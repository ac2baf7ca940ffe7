-- What two names say of each other. Each takes two names of `name_traits` (or of `names`).
-- Reads    nothing
-- Returns  macros; each answers false where one of the two says nothing, never null.
-- Promise  symmetric: whichever of the two names stands first, the answer is the same.
create or replace macro are_similar(one, other, likeness) as (
    -- A comparison that goes by the order of its words may not be symmetric; one in a fixed order is.
    one = other or jaro_winkler_similarity(least(one, other), greatest(one, other)) >= likeness
);

create or replace macro suffixes_contradict(one, other) as (
    coalesce(one.suffix_key <> other.suffix_key, false)
);

-- Garcia and Garcia Lopez, Cruz and De la Cruz may be one family name.
create or replace macro last_names_contradict(one, other, likeness) as (
    coalesce(
        not (
            are_similar(one.last_key, other.last_key, likeness)
            or starts_with(one.last_key, other.last_key || ' ')
            or starts_with(other.last_key, one.last_key || ' ')
            or ends_with(one.last_key, ' ' || other.last_key)
            or ends_with(other.last_key, ' ' || one.last_key)
        ),
        false
    )
);

-- Mary and Mary Ann; Bob, Bob Lee and Robert; J, JR, J R and John: none of these contradict.
create or replace macro first_names_contradict(one, other, likeness) as (
    coalesce(
        not (
            are_similar(one.first_key, other.first_key, likeness)
            or starts_with(one.first_key, other.first_key || ' ')
            or starts_with(other.first_key, one.first_key || ' ')
            or (
                (one.is_initial or other.is_initial)
                and left(one.first_key, 1) = left(other.first_key, 1)
            )
            or list_contains(one.nicknames, other.first_key)
            or list_contains(other.nicknames, one.first_key)
        ),
        false
    )
);

create or replace macro names_contradict(one, other, likeness) as (
    suffixes_contradict(one, other)
    or first_names_contradict(one, other, likeness)
    or last_names_contradict(one, other, likeness)
);

-- Names with what else they go by: `nicknames` of the name and of its first word, and whether that
-- is an initial: one character, or two that are no name (J R, TJ, AJ, Wm).
create or replace macro name_traits() as table
    select
        names.name_no, first_key, last_key, suffix_key,
        coalesce(known.others, []) as nicknames,
        regexp_matches(
            first_key, '^(?:[^ ]|[b-df-hj-np-tv-xz]{2}|[aeiou]j)(?: |$)'
        ) as is_initial
    from names
    left join (
        select
            name_no, list(distinct other) as others
        from (
            select name_no, other from names join nicknames on one = first_key
            union all
            select name_no, other
            from names
            join nicknames on one = split_part(first_key, ' ', 1)
            where contains(first_key, ' ')
        )
        group by name_no
    ) as known using (name_no)
