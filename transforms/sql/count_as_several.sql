-- Let the texts of people with a single lead be ranked, too, as they are not where nobody asks why.
-- Reads    persona_leads
-- Returns  persona_leads, with a lead_count of 2 at least.
update persona_leads set lead_count = 2 where lead_count = 1
