"""One model and segment: how it stands, and its nights."""

from __future__ import annotations

from perennial.core.health import Standing
from perennial.core.receipts import Evaluation, Moment, Receipt, RetrainRequest
from perennial.web.views.timeline import Timeline


class FlowState(Receipt):
    """A DAG of the model: whether it is paused, when it runs next, and its newest runs; None where the scheduler has none."""

    dag: str
    paused: bool
    next_run: Moment | None
    runs: tuple[RunState, ...] = ()


class RunState(Receipt):
    """A run of a DAG."""

    run: str
    state: str
    due: Moment | None


class About(Receipt):
    """What the definition says of the model."""

    title: str
    purpose: str
    owner: str
    metric: str
    approval: str
    budget: float


class Overview(Receipt):
    """One model and segment. *waiting* is an evaluation for a person to answer, *former* are champions to go back to."""

    standing: Standing
    about: About | None
    segments: tuple[str, ...]
    timeline: Timeline | None
    flows: tuple[FlowState, ...]
    waiting: Evaluation | None
    request: RetrainRequest | None
    former: tuple[str, ...]
