"""The commands that run Leadfold: all at once, or on a Prefect server of one's own."""

import click

from flows.settings import load_settings


@click.command()
def up() -> None:
    """Run everything on this machine until Ctrl-C: database, Prefect, schedules, drop folder."""
    from flows.up import run_up

    run_up(load_settings(), lambda line: click.echo(line))


@click.command()
def deploy() -> None:
    """Deploy prefect.yaml to the Prefect server that PREFECT_API_URL names, for its workers.

    Makes the work pool and the alerts that are configured, too. Needless with 'leadfold up'.
    """
    import os

    from contracts.errors import WrongCallError

    if not os.environ.get("PREFECT_API_URL"):
        raise WrongCallError(
            "PREFECT_API_URL is not set.\nSet it to the address of your Prefect server, such as"
            " http://127.0.0.1:4200/api."
        )
    from flows.alerts import set_up_alerts
    from flows.feed_schedules import sync_schedules
    from flows.pools import deploy_all, ensure_pool

    settings = load_settings()
    ensure_pool(settings)
    alerts = set_up_alerts(settings)
    deploy_all()
    sync_schedules(settings)
    click.echo(f"Deployed. Alerts: {', '.join(alerts) or 'off'}. Start a worker:")
    click.echo("  prefect worker start --pool leadfold")
