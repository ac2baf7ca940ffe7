-- Every value, with one person where it has one name; nobody is counted yet where it has more.
-- Reads    value_names (value_no, name_no), names
-- Returns  value_people: value_no, people.
-- Promise  a value whose names say nothing is in it, with nobody.
create or replace table value_people as
select
    value_no,
    (count(distinct name_no) filter (coalesce(first_key, last_key, suffix_key) is not null) = 1)::int
        as people
from value_names left join names using (name_no)
group by value_no
