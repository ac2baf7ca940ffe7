-- Edits by hand, without those that came with a merge that is undone.
-- Reads    edits, edit_log
-- Returns  edits; edited_emails: persona_id, value.
-- Promise  what was edited since stays.
create or replace table logged_edits as
select
    persona_id, field, texts_of(before->'edited_fields')[field] as edited_at,
    texts_of(before->'values')[field] as value, texts_of(before->'then_edited')[field] as then_edited_at
from (
    select persona_id, before, unnest(list_distinct(list_concat(
        json_keys(before->'edited_fields'), json_keys(before->'then_edited')
    ))) as field
    from edit_log
);

create or replace table since_edited as
select persona_id, field
from logged_edits
left join edits using (persona_id, field)
where edits.edited_at is distinct from then_edited_at;

delete from edits where (persona_id, field) in (
    select (persona_id, field) from logged_edits anti join since_edited using (persona_id, field)
);

insert into edits by name
select persona_id, field, value, edited_at
from logged_edits
anti join since_edited using (persona_id, field)
where edited_at is not null and value is not null
