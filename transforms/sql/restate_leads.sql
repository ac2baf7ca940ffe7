-- The leads as they are once an import is undone, or leads are moved.
-- Reads    stored_leads, undoable_leads, folded_leads, wanted_moves
-- Returns  former_leads: what stored_leads was. stored_leads: as they will be.
-- Promise  a lead of which nothing is said any more goes, but for one whose status somebody edited
--          by hand: of it that stays.
create or replace table former_leads as from stored_leads;

create or replace table stored_leads as
with restated as (
    select
        stored.lead_id, stored.version, stored.source, stored.source_file,
        stored.source_record_id, stored.persona_id, stored.has_versions, stored.edited_fields,
        folded.* exclude (lead_id) replace (
            case
                when map_contains(texts_of(stored.edited_fields), 'lead_status')
                    then coalesce(stored.lead_status, folded.lead_status)
                else folded.lead_status
            end as lead_status
        )
    from folded_leads as folded join former_leads as stored using (lead_id)
    union all by name
    select
        lead_id, source, source_file, source_record_id, persona_id, true as has_versions,
        folded.* exclude (lead_id)
    from folded_leads as folded
    join undoable_leads using (lead_id)
    anti join former_leads using (lead_id)
    union all by name
    select
        lead_id, version, source, source_file, source_record_id, persona_id, true as has_versions,
        edited_fields, lead_status, import_id, fingerprint, false as is_missing,
        false as is_deleted
    from former_leads
    semi join undoable_leads using (lead_id)
    anti join folded_leads using (lead_id)
    where lead_status is not null and map_contains(texts_of(edited_fields), 'lead_status')
    union all by name
    from former_leads anti join undoable_leads using (lead_id)
)
select
    restated.* replace (
        coalesce(moves.persona_id, restated.persona_id) as persona_id, false as is_in_batch
    )
from (from restated union all by name from former_leads where false) as restated
left join wanted_moves as moves using (lead_id)
