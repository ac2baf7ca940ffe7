-- Claims that people hold by hand: what was edited, and those of whom no lead ever spoke.
-- Reads    edits, edited_emails, stored_identities, stored_personas, former_leads, stored_leads,
--          merged
-- Returns  said_claims, with those added.
insert into said_claims
select kind, value, persona_id
from (
    select 'phone' as kind, value, persona_id from edits where field = 'phone'
    union
    select 'email', value, persona_id from edited_emails
    union
    select kind, value, coalesce(merged.merged_into, persona_id)
    from stored_identities
    left join merged using (persona_id)
    where persona_id not in (select persona_id from former_leads)
        and persona_id not in (select persona_id from stored_leads)
)
where value is not null
except
select kind, value, persona_id from said_claims
