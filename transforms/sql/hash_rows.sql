-- By what rows are known again.
-- Reads    keys (transforms/conform.py)
-- Returns  landed, and is_test: the hash of each row's text, and an id for rows that bring none.
-- Promise  neither hash nor id depends on a rule that may change: they come from the raw cells.
select
    line_no, byte_offset, byte_length,
    coalesce(source_record_id, 'h1_' || md5(id_text)) as source_record_id,
    md5(row_text) as row_hash,
    raw_text,
    is_test
from keys
