-- Which of the pairs cannot be one person, by their names.
-- Reads    name_pairs (left_no, right_no), names, nicknames
-- Returns  contradictions: left_no, right_no, guard ('suffix', else 'name').
-- Promise  only what both names say can contradict. Last names do not: people marry.
create or replace table contradictions as
with traits as materialized (
    from name_traits() semi join (
        select left_no as name_no from name_pairs
        union
        select right_no from name_pairs
    ) using (name_no)
),
judged as (
    select
        left_no, right_no,
        case
            when suffixes_contradict(one, other) then 'suffix'
            when first_names_contradict(one, other, $likeness) then 'name'
        end as guard
    from name_pairs
    join traits as one on one.name_no = left_no
    join traits as other on other.name_no = right_no
)
from judged where guard is not null
