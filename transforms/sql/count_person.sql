-- Counts one person more for each value that has names left.
-- Reads    uncounted
-- Returns  value_people, raised by one for these.
-- Promise  each value is raised once.
update value_people set people = people + 1
where value_no in (select value_no from uncounted)
