"""The shape of a definition: one frozen model per section of ``config/models/<name>.yml``.

Parsing a DAG file imports this, so it imports nothing heavy. Rules across fields live in ``rules.py``, what needs the estimator
or the network in ``perennial check``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, WithJsonSchema

from perennial.core.digest import canonical_json, digest_bytes
from perennial.core.receipts import ALL
from perennial.definition.fields import (
    Column,
    Cron,
    Day,
    Duration,
    ImportPath,
    ModelName,
    Part,
    SegmentName,
    SegmentValue,
    Share,
    Size,
    Span,
    Table,
    Text,
    Timezone,
)
from perennial.definition.messages import Messages


class Task(StrEnum):
    """What is predicted."""

    REGRESSION = "regression"
    BINARY = "binary"


class Metric(StrEnum):
    """A figure that compares predictions with labels."""

    MAE = "mae"
    RMSE = "rmse"
    R2 = "r2"
    BIAS = "bias"
    MAPE = "mape"
    PINBALL = "pinball"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"
    ACCURACY = "accuracy"
    CALIBRATION_ERROR = "calibration_error"
    CALIBRATION_SLOPE = "calibration_slope"


class ColumnType(StrEnum):
    """What the values of a file's column are."""

    NUMBER = "number"
    INTEGER = "integer"
    TEXT = "text"
    MOMENT = "moment"
    BOOLEAN = "boolean"
    DATE = "date"


class WatchedKind(StrEnum):
    """What is counted of a watched column."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIMESTAMP = "timestamp"


class Cost(Part):
    """What an error and a retraining cost, so that a backtest can add them up."""

    unit: Text
    """What costs are counted in, such as EUR."""
    loss: Annotated[float, Field(gt=0)]
    """The cost of one unit of the watched loss, for one row: of an absolute error of 1, for instance."""
    retraining: Annotated[float, Field(ge=0)] = 0.0
    """The cost of one retraining, whatever becomes of its challenger."""


class Kpi(Part):
    """The business figure that the model is for."""

    name: Text
    """What the business counts."""
    approximation: Text
    """How the metric approximates it."""
    cost: Cost | None = None
    """What errors and retrainings cost, for ``perennial backtest``."""


class Relation(Part):
    """Rows in a database table, or a query, or a Parquet or CSV file or folder."""

    connection: ModelName
    """The name of an Airflow connection, or of the environment variable PERENNIAL_CONN_<NAME>."""
    table: Table | None = None
    """A table or view. Exactly one of table, query and path is given."""
    query: Text | None = None
    """A SELECT statement that yields the columns named below."""
    path: Text | None = None
    """A .parquet, .csv, .csv.gz or .csv.zst file, or a folder of them, below the connection's folder or s3:// prefix."""
    entity: Annotated[tuple[Column, ...], Field(min_length=1, max_length=8, strict=False)]
    """The columns that name the thing a row is about."""
    event_at: Column = "event_at"
    """The column of when it happened."""
    available_at: Column | None = None
    """The column of when it could have been known. Without one, that is when it happened, for a label after label.delay."""
    columns: Annotated[dict[Column, Annotated[ColumnType, Field(strict=False)]], Field(min_length=1)] | None = None
    """Only with path: the type of every column that the files have, so that none is guessed. A column beyond these is refused."""

    @property
    def relation(self) -> str:
        """The table, the query or the path."""
        return self.table or self.query or self.path or ""


class Label(Part):
    """What is predicted, and where the truth arrives later."""

    column: Column
    """The column of the true value."""
    delay: Duration
    """After this time a label counts as matured."""
    latest: Duration | None = None
    """After this time no label, and no revision of one, is expected any more. Without it, the same as delay."""
    source: Relation | None = None
    """Where labels arrive, if not in the source itself."""

    @property
    def settled(self) -> timedelta:
        """The time after which an event's label is taken not to change any more."""
        return max(self.delay, self.latest or self.delay)


class Segments(Part):
    """The parts of the entities, each with a model of its own: its own champion, gates, monitoring, decisions and requests."""

    column: Column
    """The column of the source that says to which segment a row belongs. A source of labels of its own has it, too."""
    values: Annotated[dict[SegmentName, SegmentValue], Field(min_length=1, max_length=500)]
    """The segments by their names, each with the column's value in its rows: all texts, or all whole numbers."""
    others: Literal["refused", "left_out"] = "refused"
    """What rows are that belong to no segment. They are counted every night, and nobody predicts them. refused: they are a fault of
    the data, which is told once the segments are done. left_out: they are meant to be there."""


class Features(Part):
    """What the estimator sees, in this order."""

    numeric: Annotated[tuple[Column, ...], Field(strict=False)] = ()
    """Columns of numbers."""
    categorical: Annotated[tuple[Column, ...], Field(strict=False)] = ()
    """Columns of a limited number of values."""
    time: Annotated[
        tuple[Literal["hour", "weekday", "weekend", "day_of_year", "month", "elapsed_days"], ...], Field(strict=False)
    ] = ()
    """Figures derived from event_at, in the schedule's timezone. elapsed_days counts from 1970-01-01."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The source's columns that are read: numeric, then categorical."""
        return (*self.numeric, *self.categorical)


class Window(Part):
    """How much history a training run sees."""

    kind: Literal["sliding", "expanding"] = "sliding"
    """A sliding window has a length; an expanding one begins at schedule.start."""
    length: Duration | None = None
    """The length of a sliding window."""


class Schedule(Part):
    """When the two DAGs run."""

    score: Cron
    """Cron of the nightly scoring. Each run covers the interval since the one before."""
    retrain: Cron | None = None
    """Cron of the scheduled retraining; without one, only requests and people retrain."""
    timezone: Timezone = "UTC"
    """IANA timezone of both crons and of time-derived features."""
    start: Day
    """The first day that may be scored or trained on."""
    end: Day | None = None
    """The day from which nothing is scheduled any more, for a history that has ended."""
    window: Window
    """The training window."""


class Search(Part):
    """A search over the estimator's parameters, by time-ordered cross-validation on the training part only."""

    parameters: Annotated[dict[str, Annotated[list[JsonValue], Field(min_length=1)]], Field(min_length=1)]
    """Values to try, by parameter."""
    iterations: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many combinations are tried, drawn with the estimator's seed."""
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    """How many time-ordered folds."""
    jobs: Annotated[int, Field(ge=1, le=64)] = 1
    """How many combinations are tried at the same time, each with memory of its own for its fit. It changes no figure. They are
    threads of the fit's process, unless the module of the estimator chooses another backend of joblib (joblib.parallel_config)."""


class Estimator(Part):
    """What is fitted."""

    path: Annotated[ImportPath, Field(max_length=200)] = "perennial.learning.estimators:hist_gradient_boosting_regressor"
    """``package.module:function``, an importable function that returns a scikit-learn estimator."""
    task: Annotated[Task, Field(strict=False)] = Task.REGRESSION
    """regression, or binary for a class of 0 or 1 whose probability is predicted."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the function."""
    search: Search | None = None
    """An optional search over further keyword arguments."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of everything random in a training run."""
    rows: Annotated[int, Field(ge=100, le=1_000_000_000)] | None = None
    """The most rows that are fitted. Where a training has more, so many are drawn with the seed, each UTC day keeping its share.
    The holdout is never drawn from: all of its rows judge."""
    memory: Annotated[Size, Field(json_schema_extra={"default": "4GiB"})] = 4 << 30
    """The most memory that fitting, loading or trying a model may ask for, each in a process of its own. Enforced on Linux."""
    time: Annotated[Span, Field(json_schema_extra={"default": "2h"})] = timedelta(hours=2)
    """After this time a fit is stopped."""


class Expectation(Part):
    """A Great Expectations expectation that the rows must meet."""

    type: Annotated[str, Field(max_length=100), WithJsonSchema({"type": "string", "pattern": "^expect_[a-z0-9_]+$"})]
    """The name of a supported expectation, such as expect_column_values_to_be_between."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Its keyword arguments, as in Great Expectations."""
    on: Literal["score", "train", "both"] = "both"
    """Which snapshots it is checked on: a night's, a training window's, or both."""


class Faults(Part):
    """Which data faults are looked for in a night, beside the nights of its champion's training window."""

    units: bool = True
    """A column of numbers that comes in another unit, such as °F where °C was, or with the opposite sign."""
    sentinels: bool = True
    """Values for what was not measured, such as -999, a stuck sensor, a number far from all others. Their rows are refused."""
    volume: bool = True
    """Too few rows, or too many, for such a weekday and hour."""
    freshness: bool = True
    """The end of the night is missing."""
    blocks: bool = True
    """Hours at a stretch without rows, or without a value of a column."""
    copies: bool = True
    """Rows that repeat the values of others under another key."""


class Quality(Part):
    """What is done about rows that fail their expectations."""

    tolerated: Annotated[Share, Field(ge=0, lt=1)] = 0.05
    """The share of refused rows up to which a night goes on without them. Above it, the night is a data fault."""
    tolerated_training: Annotated[Share, Field(ge=0, lt=1)] = 0.5
    """The share of refused rows up to which a training window is used without them."""
    minimum_rows: Annotated[int, Field(ge=1)] = 1
    """Fewer rows than this in a night are a data fault."""
    faults: Faults = Faults()
    """Which data faults are told from drift, without an expectation for each."""


class ChampionGate(Part):
    """How a challenger must compare with the champion on the deciding metric."""

    rule: Literal["superior", "non_inferior"] = "superior"
    """superior: the paired gain lies above 0 with 96 % certainty. non_inferior: it lies above -margin."""
    margin: Annotated[Share, Field(ge=0, le=1)] = 0.02
    """The tolerated loss, as a share of the champion's figure."""


class FloorGate(Part):
    """An absolute demand: in at least *share* of the cases the error is at most *within*."""

    within: Annotated[float, Field(gt=0)]
    """The largest error that still counts as right, in the label's unit (0.5 for a class)."""
    share: Annotated[Share, Field(gt=0, le=1)]
    """The share of the holdout's rows that must be right."""


class CalibrationGate(Part):
    """An absolute demand on probabilities: they are frequencies."""

    error: Annotated[Share, Field(gt=0, lt=1)] = 0.05
    """The largest calibration error: the mean distance of probabilities from frequencies, in ten bins."""
    slope: Annotated[float, Field(gt=1)] = 1.5
    """The largest calibration slope; the smallest is its inverse. 1 where probabilities are neither too extreme nor too timid."""


class SlicesGate(Part):
    """No part of the rows may be much worse off than with the champion."""

    margin: Annotated[Share, Field(ge=0, le=1)] = 0.1
    """The tolerated loss on a slice, as a share of the champion's figure there."""
    minimum_rows: Annotated[int, Field(ge=2)] = 200
    """Smaller slices do not count."""


class NoiseGate(Part):
    """Random numbers must not be among the best columns of a copy of the model that is fitted with them. It costs a second fit."""

    among: Annotated[int, Field(ge=1)] = 3
    """How many columns must be clearly better: the least of their importance above the greatest of the random numbers'."""


class BudgetGate(Part):
    """What a challenger may cost. The figures are measured in a process of its own; each one that is given must be kept."""

    fit: Span | None = None
    """The longest time that the fit may take, a search included."""
    predict: Span | None = None
    """The longest time that 1 000 rows may take."""
    memory: Size | None = None
    """The most memory that the fit, or loading and predicting, may take."""
    beside_baseline: Annotated[float, Field(ge=1)] | None = None
    """At most so many times the baseline's time for the same 1 000 rows."""
    beside_champion: Annotated[float, Field(ge=1)] | None = None
    """At most so many times what the champion took: time and memory of the fit, time of 1 000 rows, memory of predicting."""


class Gates(Part):
    """The rules that a challenger must pass before it can be champion."""

    baseline: Annotated[Share, Field(ge=0, lt=1)] = 0.0
    """By which share the challenger must beat the baseline. Where that cannot be told, to beat the champion surely is enough."""
    champion: ChampionGate = ChampionGate()
    """The comparison with the champion, if there is one."""
    floor: FloorGate | None = None
    """An absolute floor."""
    calibration: CalibrationGate | None = None
    """How well probabilities must be calibrated; for a binary model."""
    slices: SlicesGate | None = None
    """The comparison with the champion on each slice of evaluation.slices, false discoveries controlled at 5 %."""
    budget: BudgetGate | None = None
    """What fitting and predicting may cost."""
    noise: NoiseGate | None = None
    """How many columns must clearly tell the model more than random numbers would."""


class Evaluation(Part):
    """How a challenger is judged."""

    metric: Annotated[Metric, Field(strict=False)]
    """The figure that decides."""
    report: Annotated[tuple[Annotated[Metric, Field(strict=False)], ...], Field(strict=False)] = ()
    """Further figures that are stored."""
    holdout: Duration
    """The last part of the training window, kept from training, on which all are scored."""
    baseline: Literal["mean", "median", "seasonal"] = "seasonal"
    """The trivial model beside it. seasonal: the mean label of the same weekday and hour."""
    gates: Gates = Gates()
    """The rules for promotion."""
    slices: Annotated[tuple[Column, ...], Field(strict=False)] = ()
    """Categorical columns by whose values the deciding figure is also stored."""
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The quantile that the model predicts; for the metric pinball."""

    def figure(self, metric: Metric) -> str:
        """Return the name under which a figure is stored: a quantile's loss bears its quantile."""
        return f"pinball_{self.quantile:g}" if metric is Metric.PINBALL else metric.value


class Tolerance(Part):
    """What is not worth a retraining."""

    input_shift: Annotated[float, Field(ge=0)] = 0.2
    """A shift of an input, in its reference standard deviations."""
    loss_increase: Annotated[Share, Field(ge=0)] = 0.05
    """An increase of the loss over the evaluated one."""


class Threshold(Part):
    """A plain threshold. It knows neither how many rows a night has nor how many columns there are."""

    psi: Annotated[float, Field(gt=0)]
    """A population stability index, in nats, such as 0.25: columns, predictions or labels moved where theirs is as large."""


class Monitoring(Part):
    """What raises an alarm."""

    false_alarms_per_year: Annotated[float, Field(gt=0, le=366)] = 1.0
    """The budget, for the whole model: all columns, all signals, all nights."""
    tolerance: Tolerance = Tolerance()
    """What moved less than this raises none."""
    threshold: Threshold | None = None
    """A plain threshold for drift, in place of budget and tolerance. ``perennial calibrate`` says what it would have done."""
    minimum_rows: Annotated[int, Field(ge=2)] = 20
    """With fewer rows (or labels) in a night, the answer is "insufficient evidence"."""
    multivariate: bool = True
    """Whether a classifier tries to tell the night's rows from the training's, which sees what no single column shows. At most
    20 000 training rows are kept with each version for that."""
    columns: Annotated[dict[Column, Annotated[WatchedKind, Field(strict=False)]], Field(max_length=1000)] = Field(
        default_factory=dict
    )
    """Further columns of the source that are watched, each with its kind. Every feature is watched without being named here."""


class Retraining(Part):
    """When a retraining is asked for."""

    causes: Annotated[tuple[Literal["decay", "slice_decay", "estimate", "drift"], ...], Field(strict=False)] = ("decay",)
    """Which alarms are enough by themselves; the others only ask to watch. decay: the loss rose, by the labels that have come.
    slice_decay: it rose on some value of evaluation.slices. estimate: it will have risen when labels come, to judge by the
    predictions. drift: the inputs moved."""
    cooldown: Duration
    """The least time between two requests."""
    max_per_30d: Annotated[int, Field(ge=1, le=100)] | None = None
    """The most requests in 30 days."""
    max_age: Duration | None = None
    """A champion older than this asks for a retraining."""
    min_age: Duration | None = None
    """A champion younger than this is not retrained by an alarm."""
    fresh: Duration | None = None
    """Decay is answered only when the training part, without the holdout, reaches this far past the change."""
    breaker: Annotated[int, Field(ge=1, le=100)] = 3
    """After so many refused challengers in a row no decision asks for another one, until a challenger passes, or a person promotes
    one or rolls back. The schedule goes on, and a person may retrain at any time."""


class Publish(Part):
    """What becomes of a passed evaluation, and of predictions."""

    approval: Literal["automatic", "human"] = "automatic"
    """Whether a person must approve a challenger that passed."""
    approvers: Annotated[tuple[Text, ...], Field(max_length=100, strict=False)] = ()
    """Who may answer, by the id that Airflow's auth manager gives a user. Without any: whoever may answer the DAG's tasks."""
    answer_within: Span | None = None
    """How long an answer is waited for. Without it, for as long as it takes."""
    unanswered: Literal["reject", "approve"] = "reject"
    """What it counts as where nobody answered in that time."""
    shadow: Literal["none", "first_champion"] = "none"
    """first_champion: the first champion goes on predicting alongside, so that SQL can say what retraining was worth."""
    ready_within: Span | None = None
    """How long after the end of a night its predictions are there at the latest. A night that is not is told of; see messages."""
    retention: Duration | None = None
    """After this time prediction rows may be removed by ``perennial gc``."""


_NEWER = ("approvers", "answer_within", "unanswered", "ready_within")


class Definition(Part):
    """One model: what it is for, its data, estimator, gates, monitoring and schedule."""

    name: ModelName
    """The model's name; the file is called <name>.yml."""
    title: Text
    """What people call it."""
    purpose: Text
    """What decision it serves."""
    owner: Text
    """Who answers for it."""
    kpi: Kpi
    """The business figure."""
    source: Relation
    """The rows that are scored and trained on."""
    label: Label
    """The truth."""
    segments: Segments | None = None
    """The parts of the entities with a model each; without them there is one model for all."""
    features: Features
    """What the estimator sees."""
    schedule: Schedule
    """When it runs."""
    estimator: Estimator = Estimator()
    """What is fitted."""
    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1, max_length=1000, strict=False)]
    """What rows must meet. None at all is a fault: unchecked data is never a pass."""
    quality: Quality = Quality()
    """What happens to rows that do not."""
    evaluation: Evaluation
    """How a challenger is judged."""
    monitoring: Monitoring = Monitoring()
    """What raises an alarm."""
    retraining: Retraining
    """When a retraining is asked for."""
    publish: Publish = Publish()
    """What becomes of a passed evaluation."""
    messages: Messages | None = None
    """Who is told of what deserves a look; without it, nobody."""

    @property
    def content(self) -> bytes:
        """The definition as canonical JSON, whatever its layout and comments; ``model_validate_json`` reads it."""
        return canonical_json(self.model_dump(mode="json", exclude=self._unsaid()))

    @property
    def digest(self) -> str:
        """The SHA-256 of the definition's content."""
        return digest_bytes(self.content)

    @property
    def segment_names(self) -> tuple[str, ...]:
        """The segments, in the order in which they stand; ``all`` alone where the definition names none."""
        return tuple(self.segments.values) if self.segments else (ALL,)

    @property
    def labels(self) -> Relation:
        """Where labels come from: their own relation, or the source."""
        return self.label.source or self.source

    def _unsaid(self) -> dict[str, Any]:
        """Return the newer keys that say nothing here, so that older definitions keep their digest."""
        usual = Publish()
        unsaid = {name for name in _NEWER if getattr(self.publish, name) == getattr(usual, name)}
        parts = {name: True for name in ("segments", "messages") if getattr(self, name) is None}
        return {**parts, "publish": unsaid, "estimator": self._unsaid_of_the_estimator()}

    def _unsaid_of_the_estimator(self) -> dict[str, Any]:
        search = self.estimator.search
        rows = {"rows": True} if self.estimator.rows is None else {}
        return {**rows, **({"search": {"jobs"}} if search and search.jobs == 1 else {})}

    def trained_until(self, end: datetime) -> datetime:
        """Return where the training part of a window that ends at *end* ends: before the holdout and the labels to come."""
        return end - self.label.delay - self.evaluation.holdout
