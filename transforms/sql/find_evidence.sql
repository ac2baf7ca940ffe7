-- What the people of the ranked pairs share, and the records of either side that state it.
-- Reads    described_pairs (pair_no, one_id, other_id), shared_claims, lead_claims, stored_leads,
--          import_files
-- Returns  pair_no, kind, value, points, side (left, right), file, line_no; both null where no
--          record states it. The strongest first.
select
    pair_no, kind, value, points, case when lead_claims.persona_id = one_id then 'left' else 'right' end as side,
    coalesce(file_name, source_file) as file, line_no
from described_pairs
join shared_claims using (pair_no)
join lead_claims using (kind, value)
left join stored_leads using (lead_id)
left join import_files using (import_id)
where lead_claims.persona_id in (one_id, other_id)
order by pair_no, points desc, kind, value, side, file, line_no
