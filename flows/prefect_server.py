"""The Prefect server of ``leadfold up``, as a process of its own: ``python -m``.

Not ``prefect server start``: that one waits for browsers to go away before it stops, and knows no
e-mail.
"""

import uvicorn
from prefect.server.api.server import create_app

import flows.email_alert  # noqa: F401  so that the server can send by it
from flows.settings import load_settings

# Long enough for an answer under way; an open page in a browser never ends by itself.
_LAST_ANSWERS_SECONDS = 2


def main() -> None:
    """Serve until a signal."""
    settings = load_settings()
    uvicorn.run(
        create_app(final=True),
        host=settings.ui_host,
        port=settings.ui_port,
        log_level="warning",
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )


if __name__ == "__main__":
    main()
