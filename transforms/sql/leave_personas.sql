-- What becomes of people who have no lead any more.
-- Reads    stored_personas, former_leads, stored_leads, wanted_moves, merge_log
-- Returns  merged: persona_id, merged_into; those whose leads all went to somebody else.
--          bared: persona_id; whom nobody states any more, but somebody edited by hand.
--          removed_personas: persona_id. unmerged: persona_id; who is himself again.
create or replace table leaderless as
select persona_id, merged_into, edited_fields
from stored_personas
semi join former_leads using (persona_id)
anti join stored_leads using (persona_id);

create or replace table merged as
select leaderless.persona_id, arg_max(went.persona_id, (leads, went.persona_id)) as merged_into
from leaderless
join (
    select former.persona_id as from_id, moves.persona_id, count(*) as leads
    from former_leads as former
    join wanted_moves as moves using (lead_id)
    where moves.persona_id <> former.persona_id
    group by all
) as went on went.from_id = leaderless.persona_id
group by leaderless.persona_id
union all
-- Who had no lead of his own when he was merged, and whose merge is done anew.
select persona_id, before_id
from merge_log
join stored_personas using (persona_id)
where before_id is not null and stored_personas.merged_into is null
    and persona_id not in (select persona_id from former_leads)
    and persona_id not in (select persona_id from stored_leads);

create or replace table bared as
select persona_id from leaderless
anti join merged using (persona_id)
where edited_fields is not null;

create or replace table removed_personas as
with recursive gone as (
    select persona_id from leaderless
    where persona_id not in (select persona_id from merged)
        and persona_id not in (select persona_id from bared)
    union
    select stored.persona_id
    from stored_personas as stored
    join gone on gone.persona_id = stored.merged_into
    where stored.persona_id not in (select persona_id from stored_leads)
)
select persona_id from gone;

create or replace table unmerged as
select persona_id
from merge_log
join stored_personas using (persona_id)
where before_id is null and stored_personas.merged_into = after_id
