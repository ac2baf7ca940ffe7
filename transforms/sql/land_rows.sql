-- Takes a chunk of conformed rows in.
-- Reads    conformed (transforms/conform.py)
-- Returns  landed, with the hash of each row's text and an id for rows that bring none.
-- Promise  neither hash nor id depends on a rule that may change: they come from the raw cells.
insert into landed by name
select
    * exclude (row_text, id_text, source_record_id),
    md5(row_text) as row_hash,
    coalesce(source_record_id, 'h1_' || md5(id_text)) as source_record_id
from conformed
