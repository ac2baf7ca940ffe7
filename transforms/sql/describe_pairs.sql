-- The pairs that are shown, and their people.
-- Reads    wanted_pairs (pair_no), pairs
-- Returns  described_pairs: pair_no, one_id, other_id. described: persona_id.
create or replace table described_pairs as
select pair_no, one_id, other_id from pairs semi join wanted_pairs using (pair_no);

create or replace table described as
select one_id as persona_id from described_pairs
union
select other_id from described_pairs
