"""The commands about teams and their policies. Heavy imports stand where they are used."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flows.settings import load_settings

if TYPE_CHECKING:
    from contracts.policy import Policy
    from flows.teams import Team


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One object per team.")
@click.pass_context
def teams(context: click.Context, as_json: bool) -> None:
    """List the teams, or add one."""
    if context.invoked_subcommand:
        return
    from flows import warehouse
    from flows.teams import list_teams

    with warehouse.connected(load_settings()) as connection:
        found = list_teams(connection)
    if not found and not as_json:
        click.echo("There are no teams yet. Add one: leadfold teams add NAME")
    for team in found:
        click.echo(json.dumps(_to_json(team)) if as_json else _team_line(team))


@teams.command("add")
@click.argument("name")
@click.option("--region", default="US", show_default=True, help="Country of numbers without '+'.")
@click.option(
    "--policy", default="default", show_default=True, help="By what its people are told apart."
)
def add_new_team(name: str, region: str, policy: str) -> None:
    """Add a team; its people never meet those of another."""
    from flows import warehouse
    from flows.teams import add_team

    with warehouse.connected(load_settings()) as connection:
        team = add_team(connection, name, region, policy)
    click.echo(f"Added team {_described(team)}.")


@click.command()
@click.argument("name", required=False)
def policies(name: str | None) -> None:
    """List the policies, or show the one of NAME whole."""
    from contracts.registry import load_policies, load_policy

    if name:
        click.echo(_policy_yaml(load_policy(name)), nl=False)
        return
    known = load_policies()
    width = max(map(len, known))
    for policy in known.values():
        click.echo(f"{policy.name:{width}}  {policy.description}".rstrip())


@click.command()
@click.argument("team")
@click.option("--policy", default="", help="Which policy takes effect; else the team's own.")
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def refold(team: str, policy: str, dry_run: bool, as_json: bool) -> None:
    """Compute all golden records of TEAM anew, by its policy as the file says now.

    Nobody is merged or split. The exit code is 0 when it is done, 1 when it failed.
    """
    from flows import report, terminal
    from flows.plan_report import plan_lines
    from flows.refolding import run_refold

    outcome = run_refold(team, load_settings(), policy, is_dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(report.to_json(outcome)))
    elif outcome.status == "done":
        click.echo(f"Written: {report.effects_sentence(outcome.effects)}.")
        click.echo(f"Refold of {outcome.team_id} by {outcome.file_name}: {outcome.import_id}")
    elif outcome.is_good:
        terminal.show(*plan_lines(outcome))
    else:
        click.echo(report.sentence(outcome), err=True)
    if not outcome.is_good:
        sys.exit(1)


def _described(team: "Team") -> str:
    return f"'{team.name}' (id {team.team_id}, region {team.region}, policy {team.policy})"


def _team_line(team: "Team") -> str:
    from flows.teams import has_changed_policy

    mark = f", changed since: leadfold refold {team.team_id}" if has_changed_policy(team) else ""
    said = f"id {team.team_id}, region {team.region}, policy {team.policy}{mark}"
    return f"{team.name}  ({said})"


def _to_json(team: "Team") -> dict[str, object]:
    from flows.teams import has_changed_policy

    rules = json.loads(team.policy_rules or "null")
    return {**asdict(team), "policy_rules": rules, "is_policy_changed": has_changed_policy(team)}


def _policy_yaml(policy: "Policy") -> str:
    """A policy as its file would say it, with every setting in it."""
    import yaml

    said = policy.model_dump(mode="json")
    said["match"] = [key[0] if len(key) == 1 else key for key in said["match"]]
    text: str = yaml.safe_dump(
        said, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    return text
