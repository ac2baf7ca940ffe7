-- Whose a statement is, too, that an undo takes back: of the imports that repeated it.
-- Reads    row_repeats
-- Returns  adds to known_statements and stored_statement_cells.
-- Promise  one that is there already is not added again. Their lines are far below 0, in the order
--          in which they were said, those of each import whose they were first together.
create or replace table added_repeats as
with placed as (
    select
        said.* replace (
            repeats.import_id as import_id, repeats.seq as seq,
            -(1::bigint << 62) + (said.seq << 20) + row_number() over (
                partition by repeats.import_id, said.row_id order by said.line_no
            ) as line_no,
            false as is_stored, repeats.is_active as is_active
        ),
        said.statement_no as of_statement_no
    from row_repeats as repeats
    join known_statements as said using (statement_no)
)
select * replace (
    (select max(statement_no) from known_statements) + row_number() over () as statement_no
)
from placed
where not exists (
    from known_statements as known
    where known.row_id = placed.row_id and known.import_id = placed.import_id
        and known.line_no = placed.line_no
);

insert into known_statements by name select * exclude (of_statement_no) from added_repeats;

insert into stored_statement_cells by name
select added.statement_no, column_name, value
from added_repeats as added
join stored_statement_cells as said on said.statement_no = added.of_statement_no
