-- Takes the next name of each value as a person, and leaves those that cannot be that person.
-- Reads    uncounted
-- Returns  uncounted, without the names that agree with the one that was taken.
-- Promise  as many comparisons as there are names left, however many of them one value has.
create or replace table uncounted as
with taken as (
    select value_no, arg_min(uncounted, turn) as person from uncounted group by value_no
)
select uncounted.*
from uncounted
join taken using (value_no)
where names_contradict(uncounted, person, $likeness)
