-- Which claims may find other holders once an import is undone, or leads are moved.
-- Reads    said_claims, stored_identities (of those whom it touches), identity_log
-- Returns  affected_claims.
create or replace table affected_claims as
select kind, value from said_claims
union
select kind, value from stored_identities
union
select kind, value from identity_log
