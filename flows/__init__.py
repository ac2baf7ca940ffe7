"""Everything that can fail for outside reasons: files, Postgres, Prefect, people."""

import os

UNTRACKED = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
"""What Prefect reads when it is first imported: the server, and it itself, tell nobody of us."""

for _name, _value in UNTRACKED.items():
    os.environ.setdefault(_name, _value)
