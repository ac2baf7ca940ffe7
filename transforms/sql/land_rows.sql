-- Takes a chunk of conformed rows in.
-- Reads    conformed (transforms/conform.py)
-- Returns  landed, with the hash of each row's text and an id for rows that bring none.
-- Promise  neither hash nor id depends on a rule that may change: they come from the raw cells.
insert into landed by name
select
    * exclude (row_text, id_text, source_record_id),
    -- A record without a place in the file (a workbook's row) is kept as text, for its reject.
    case when byte_offset is null then
        replace(replace(id_text, chr(31), ': '), chr(30), ' | ')
    end as raw_text,
    md5(row_text) as row_hash,
    coalesce(source_record_id, 'h1_' || md5(id_text)) as source_record_id
from conformed
