-- The tables of one import's work file that are filled from outside DuckDB.
-- Returns  empty tables, for frames that come chunk by chunk.
-- Promise  run again, it starts the import's work over.

-- What the file says, one row per record as it came (transforms/conform.py).
create or replace table landed (
    line_no bigint, byte_offset bigint, byte_length bigint,
    source_record_id varchar, row_hash varchar,
    crm_id varchar, phones varchar[], emails varchar[],
    first_name varchar, last_name varchar, full_name varchar, company varchar, job_title varchar,
    st_address varchar, city varchar, state varchar, zip varchar, country varchar,
    product varchar, lead_status varchar, updated_at varchar, extra varchar
);

-- Accepted rows: typed, normalised, not yet deduplicated (contracts/people.py, StagedPerson).
create or replace table staged (
    line_no bigint, source_record_id varchar,
    crm_id varchar, phones varchar[], emails varchar[], email_keys varchar[],
    first_name varchar, last_name varchar, full_name varchar, company varchar, job_title varchar,
    st_address varchar, city varchar, state varchar, zip varchar, country varchar,
    product varchar, lead_status varchar, clock timestamptz, extra varchar
);

-- Rejected rows and damaged cells.
create or replace table issues (
    line_no bigint, severity varchar, code varchar, field varchar, message varchar,
    raw blob, encoding varchar
);

-- What Postgres holds about the records and claims of this batch; `version` is the row's xmin.
create or replace table stored_fingerprints (source_record_id varchar, fingerprint varchar);
create or replace table stored_leads (
    lead_id varchar, persona_id varchar, version bigint, is_in_batch boolean,
    source varchar, source_file varchar, source_record_id varchar, import_id varchar,
    fingerprint varchar,
    crm_id varchar, phones varchar[], emails varchar[], email_keys varchar[],
    first_name varchar, last_name varchar, full_name varchar, company varchar, job_title varchar,
    st_address varchar, city varchar, state varchar, zip varchar, country varchar,
    product varchar, lead_status varchar, clock timestamptz, extra varchar
);
create or replace table stored_identities (
    kind varchar, value varchar, persona_id varchar, is_exclusive boolean
);
create or replace table stored_personas (
    persona_id varchar, version bigint,
    crm_id varchar, phone varchar, email varchar,
    first_name varchar, last_name varchar, full_name varchar, company varchar, job_title varchar,
    st_address varchar, city varchar, state varchar, zip varchar, country varchar
);

-- Every source that we know: whom to trust, and the name space of its ids.
create or replace table sources (source varchar, trust integer, claim_space varchar);
