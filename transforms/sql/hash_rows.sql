-- By what rows are known again.
-- Reads    rows (transforms/conform.py: key_rows, and the cells of name_cells)
-- Takes    parts: each cell with its mark before it, null where it is empty.
-- Returns  landed, and is_test: the hash of each row's text, and an id for rows that bring none.
-- Promise  neither hash nor id depends on a rule that may change: they come from the raw cells.
select
    line_no, byte_offset, byte_length,
    coalesce(source_record_id, 'h1_' || md5(id_text)) as source_record_id,
    -- Put together in Polars first, it takes 1.2 times as long.
    md5(concat_ws(chr(30), {parts})) as row_hash,
    raw_text,
    is_test
from rows
