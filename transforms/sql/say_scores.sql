-- What the policy says of people's cards, as statements of that table.
-- Reads    scores, score_now
-- Returns  adds to said_rows, said_cells and line_people: a line far below 0 for each person.
insert into line_people by name
select -1000000000 - row_number() over (order by persona_id) as line_no, persona_id from scores;

insert into said_rows by name
select
    'unified_lead_cards' as table_name, line_no,
    strftime(now at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as stated_at
from line_people cross join score_now where line_no < -1000000000;

insert into said_cells by name
select 'unified_lead_cards' as table_name, line_no, 'total_score' as column_name, score as value
from line_people join scores using (persona_id) where line_no < -1000000000
