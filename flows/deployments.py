"""What prefect.yaml deploys, as ``leadfold up`` serves it: one definition for both ways."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from pydantic import BaseModel, ConfigDict

from contracts.strict import read_yaml

POOL = "leadfold"
"""The work pool of prefect.yaml, for workers on a server of one's own."""

TAKEN_UP = (
    *("import-file", "import-dropped", "nightly-sync", "decide-import"),
    *("undo-import", "review"),
)
"""The deployments that write: a run of theirs that crashed is taken up again by itself."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Limit(_Strict):
    limit: int
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class _Schedule(_Strict):
    cron: str
    timezone: str
    parameters: dict[str, Any] = {}


class Deployment(_Strict):
    """One entry of prefect.yaml; a key that only ``prefect deploy`` would heed is refused."""

    name: str
    description: str
    entrypoint: str
    work_pool: dict[str, str]
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    schedules: tuple[_Schedule, ...] = ()
    concurrency_limit: _Limit | None = None
    enforce_parameter_schema: bool = True


def find_file() -> Path:
    """prefect.yaml: of the checkout, or as it was installed beside the flows."""
    here = Path(__file__).resolve().parent
    return next(
        (path for folder in (here.parent, here) if (path := folder / "prefect.yaml").is_file()),
        here / "prefect.yaml",
    )


def list_deployments() -> list[Deployment]:
    """What prefect.yaml says.

    Raises:
        pydantic.ValidationError: It says what ``leadfold up`` could not serve.
    """
    said = read_yaml(find_file().read_text(encoding="utf-8"))["deployments"]
    return [Deployment.model_validate(each) for each in said]


def to_serve() -> Iterator[RunnerDeployment]:
    """The deployments as a runner of Prefect registers them. Imports their flows."""
    for each in list_deployments():
        yield RunnerDeployment.from_entrypoint(
            each.entrypoint,
            name=each.name,
            description=each.description,
            tags=list(each.tags),
            parameters=dict(each.parameters),
            enforce_parameter_schema=each.enforce_parameter_schema,
            concurrency_limit=_limit_of(each),
            schedules=[
                DeploymentScheduleCreate(
                    schedule=CronSchedule(cron=schedule.cron, timezone=schedule.timezone),
                    parameters=dict(schedule.parameters),
                )
                for schedule in each.schedules
            ],
        )


def _limit_of(deployment: Deployment) -> ConcurrencyLimitConfig | None:
    if (limit := deployment.concurrency_limit) is None:
        return None
    strategy = ConcurrencyLimitStrategy(limit.collision_strategy)
    return ConcurrencyLimitConfig(limit=limit.limit, collision_strategy=strategy)
