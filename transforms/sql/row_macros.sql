-- What the statements about keyed tables say in the same way.
-- Returns  macros: digest_of (an aggregate: of all cells of a statement), row_digest (of a statement
--          of a row, as imports.repeated_rows has it), cells_text (an aggregate: as row_statements
--          has them), clock_number, is_computed_line.
create or replace macro digest_of(column_name, value) as (
    md5(string_agg(column_name || chr(31) || value, chr(30) order by column_name))
);

create or replace macro row_digest(table_name, row_id, digest, stated_at) as (
    (md5_number_lower(concat_ws(chr(31), table_name, row_id, digest, stated_at)) >> 1)::bigint
);

create or replace macro cells_text(column_name, value) as (
    '{' || string_agg(
        to_json(column_name)::varchar || ':' || to_json(value)::varchar, ',' order by column_name
    ) || '}'
);

-- Whether no line of the file says it, but an import itself.
create or replace macro is_computed_line(line_no) as (line_no < -1000000000);

-- When something was stated, as a number; what does not say when is older than all else.
create or replace macro clock_number(stated_at) as (
    coalesce(epoch_us(stated_at::timestamptz), -9223372036854775807)
)
