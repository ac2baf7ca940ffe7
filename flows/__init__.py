"""Everything that can fail for outside reasons: files, Postgres, Prefect, people."""
