-- The leads as they are once an import is undone, or leads are moved.
-- Reads    stored_leads, undoable_leads, folded_leads, wanted_moves, sources, team_boards
-- Returns  former_leads: what stored_leads was. stored_leads: as they will be.
-- Promise  a lead of which nothing is said any more goes, but for one of which somebody edited
--          something by hand: that stays.
create or replace table former_leads as from stored_leads;

create or replace table placed_leads as
select
    folded.*, sources.lead_source, boards.board_id, boards.board_name
from folded_leads as folded
join undoable_leads using (lead_id)
left join sources using (source)
left join team_boards as boards on boards.rule_no = board_no(source, sources.lead_source, {texts});

create or replace table stored_leads as
with restated as (
    select
        stored.lead_id, stored.version, stored.source, stored.source_file,
        stored.source_record_id, stored.persona_id, stored.has_versions, stored.edited_fields,
        stored.lead_source,
        case when keeps_board(stored.edited_fields, has_rules) then stored.board_id
            else said.board_id end as board_id,
        case when keeps_board(stored.edited_fields, has_rules) then stored.board_name
            else said.board_name end as board_name,
        said.* exclude (lead_id, lead_source, board_id, board_name)
            replace ({kept_edited_texts})
    from placed_leads as said
    join former_leads as stored using (lead_id)
    cross join (select count(*) > 0 as has_rules from team_boards)
    union all by name
    select
        lead_id, source, source_file, source_record_id, persona_id, true as has_versions,
        folded.* exclude (lead_id)
    from placed_leads as folded
    join undoable_leads using (lead_id)
    anti join former_leads using (lead_id)
    union all by name
    select
        lead_id, version, source, source_file, source_record_id, persona_id, true as has_versions,
        edited_fields, lead_source, import_id, fingerprint,
        false as is_missing, false as is_deleted, {edited_of_lead}
    from (
        select former_leads.* replace ({hand_texts}) from former_leads
        semi join undoable_leads using (lead_id)
        anti join folded_leads using (lead_id)
    )
    where coalesce({edited_of_lead}) is not null
    union all by name
    from former_leads anti join undoable_leads using (lead_id)
)
select
    restated.* replace (
        coalesce(moves.persona_id, restated.persona_id) as persona_id, false as is_in_batch
    )
from (from restated union all by name from former_leads where false) as restated
left join wanted_moves as moves using (lead_id)
