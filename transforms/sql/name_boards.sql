-- Which board each rule puts a lead on.
-- Reads    board_rules, said_cells (what the rules say of their boards), line_rows
-- Returns  team_boards: rule_no, board_id, board_name.
insert into team_boards by name
select rule_no, row_id as board_id, board_name
from board_rules
join (
    select line_no, value as board_name
    from said_cells where table_name = 'boards' and column_name = 'name' and line_no < 0
) as named using (board_name)
join (from line_rows where table_name = 'boards') as boards using (line_no)
