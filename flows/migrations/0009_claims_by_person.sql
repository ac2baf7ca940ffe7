-- A person's claims by a B-tree in place of a hash.
--
-- What an import brings belongs to new people mostly, and their ids sort behind all that are there:
-- it goes to the end of the B-tree. A hash strews it over all of the index, each page of which is
-- then read, and after a checkpoint written whole to the log. A first import of 1M people takes
-- about as long with either, for their claims come in the order of their values (docs/speed.md).
-- Ids are unique beyond teams, so that one column finds them; with team_id before it, copying
-- claims takes a fifth longer.

DROP INDEX identities_persona_idx;
CREATE INDEX identities_persona_idx ON identities (persona_id);
