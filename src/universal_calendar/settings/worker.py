"""Settings of the worker, which settles what requests left open."""

from pydantic import BaseModel, Field


class WorkerSettings(BaseModel):
    """Whether this process works, and how much at once."""

    run_worker: bool = Field(
        default=True,
        description="Whether `serve` also writes to calendars and sends notices."
        " Switch it off where `universal-calendar worker` runs by itself.",
    )
    worker_concurrency: int = Field(
        10, ge=1, le=100, description="Tasks that one worker runs at once."
    )
    connection_rate_limit: int = Field(
        300,
        ge=1,
        description="Requests a minute to one connected account, over all processes.",
    )
