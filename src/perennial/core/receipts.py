"""Receipts: small frozen records of ids, digests, counts and verdicts.

A step returns one, the ledger keeps it, and XCom carries it as JSON; data never travels with it. An id is a digest of what the
record was made from, so that doing a thing twice records it once.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from perennial.core.interval import Interval, iso

ALL = "all"
"""The segment of a model that is not split into segments."""

Moment = Annotated[datetime, PlainSerializer(iso, when_used="json")]


class Purpose(StrEnum):
    """What a snapshot was extracted for."""

    SCORE = "score"
    TRAIN = "train"


class Verdict(StrEnum):
    """What came out of a check or a comparison."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Role(StrEnum):
    """Whose predictions a batch holds."""

    CHAMPION = "champion"
    SHADOW = "shadow"
    BASELINE = "baseline"


class BatchState(StrEnum):
    """Where a prediction batch stands: being written, in use, or replaced by a later one."""

    STAGED = "staged"
    CURRENT = "current"
    SUPERSEDED = "superseded"


class PromotionKind(StrEnum):
    """How a version became champion, or that the model has none any more."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RETIRE = "retire"


class Action(StrEnum):
    """What a decision says to do about a night, in the order in which the rules are tried."""

    QUARANTINE = "quarantine"
    HOLD = "hold"
    RETRAIN = "retrain"
    WATCH = "watch"
    KEEP = "keep"


class RequestState(StrEnum):
    """Where a retrain request stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"


class Receipt(BaseModel):
    """A frozen record. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), ser_json_inf_nan="strings")


class Keyed(Receipt):
    """A record that belongs to one model, segment and interval."""

    model: str
    segment: str = ALL
    interval: Interval


class Skew(Receipt):
    """How far a snapshot differs from an *earlier* one, by digest, of the same interval and cut-off: the source was rewritten.

    Rows, and labels where there are any, are matched by entity and event: *added*, *removed*, or *changed* in one of *columns*.
    """

    earlier: str
    added: int
    removed: int
    changed: int
    columns: tuple[str, ...]
    sentence: str


class Snapshot(Keyed):
    """The receipt of *extract*: an immutable extract in Parquet, named by the SHA-256 of its manifest.

    *skew* says how it differs from what an earlier extraction of the same night gave, if there was one and it does.
    """

    digest: str
    purpose: Purpose
    as_of: Moment
    rows: int
    label_rows: int
    bytes: int
    skew: Skew | None = None


class Finding(Receipt):
    """What one expectation said about a snapshot. *unexpected* and *rows* are row counts; no value of a row is kept."""

    expectation: str
    column: str | None = None
    success: bool
    rows: int
    unexpected: int
    sentence: str

    @property
    def name(self) -> str:
        """What a release calls it."""
        return f"{self.expectation} {self.column}" if self.column else self.expectation


class Validation(Keyed):
    """The receipt of *validate*. *quarantine* names the artifact with the refused rows and their reasons, if there are any.

    *usual* names, of a training window, the figures of its nights, beside which later ones are held. *release* is the id of the
    release by which a night's findings were let through.
    """

    id: str
    snapshot: str
    purpose: Purpose
    as_of: Moment
    verdict: Verdict
    rows: int
    quarantined: int
    quarantine: str | None = None
    findings: tuple[Finding, ...]
    usual: str | None = None
    release: str | None = None


class Release(Keyed):
    """A person's word on what validation refused of a night: it is right after all, or, where it does not *stand*, it is not.

    It is about one *snapshot* of the night, and about *findings* by name. What was said last of a night stands.
    """

    id: str
    snapshot: str
    findings: tuple[str, ...]
    stands: bool
    reason: str
    actor: str


class ModelVersion(Keyed):
    """The receipt of *train*: one fit and its immutable artifact. *interval* is the training window.

    *artifact* and *baseline* name signed model manifests, *profile* the reference profile, *sample* some of the training rows, all
    by digest. *fit_seconds* and *fit_memory* (bytes at the peak) are what the fit took the first time; they are no part of the
    version's id. Where the definition caps the rows, *rows* were drawn with *seed* from *drawn_from* rows, so that each of
    *drawn_days* UTC days keeps its share.
    """

    id: str
    training_run: str
    snapshot: str
    validation: str
    as_of: Moment
    trained_on: Interval
    rows: int
    artifact: str
    baseline: str
    profile: str
    definition_digest: str
    code_version: str
    seed: int
    reason: str
    request: str | None = None
    sample: str | None = None
    fit_seconds: float | None = None
    fit_memory: int | None = None
    drawn_from: int | None = None
    drawn_days: int | None = None


class Estimate(Receipt):
    """A figure with its 95 % confidence interval, in the figure's own unit. An end that cannot be estimated is None."""

    value: float
    low: float | None = None
    high: float | None = None


class Importance(Receipt):
    """By how much the loss that decides grows when one column's values are shuffled among the rows, in the loss's unit.

    *mean* over several shuffles, between the least and the greatest of them. At or below 0 the model does as well without it.
    """

    mean: float
    low: float
    high: float


class GateResult(Receipt):
    """What one gate said of a challenger, with the sentence that a person reads."""

    gate: str
    verdict: Verdict
    sentence: str


class Cost(Receipt):
    """What using a version costs, as measured in a fresh process: seconds, and at the peak so many bytes of memory.

    *row_seconds* is for one row, *thousand_seconds* for 1 000 rows, *baseline_seconds* for the same 1 000 by the baseline.
    """

    load_seconds: float
    row_seconds: float
    thousand_seconds: float
    baseline_seconds: float
    memory: int


class Evaluation(Keyed):
    """The receipt of *evaluate*. *metrics* is figure by role (challenger, champion, baseline) and metric name.

    On a slice its role is ``role[column=value]``. *importance* is by feature of the challenger; it is empty where nothing was
    predicted. *cost* is None where the challenger could not be tried. *outlook* names what the challenger predicted there,
    and the labels, as counts.
    """

    id: str
    challenger: str
    champion: str | None
    snapshot: str
    as_of: Moment
    holdout: Interval
    rows: int
    verdict: Verdict
    sentence: str
    metrics: dict[str, dict[str, Estimate]]
    gates: tuple[GateResult, ...]
    importance: dict[str, Importance] = Field(default_factory=dict)
    cost: Cost | None = None
    outlook: str | None = None

    @property
    def on_slices(self) -> dict[str, dict[str, dict[str, Estimate]]]:
        """The figures on slices, by slice (``column=value``), role and metric name."""
        found: dict[str, dict[str, dict[str, Estimate]]] = {}
        for key, figures in self.metrics.items():
            role, bracket, rest = key.partition("[")
            if bracket:
                found.setdefault(rest.removesuffix("]"), {})[role] = figures
        return found

    @property
    def ranked(self) -> list[tuple[str, Importance]]:
        """The features by their importance, the greatest first, and equal ones by name."""
        return sorted(self.importance.items(), key=lambda one: (-one[1].mean, one[0]))


class Approval(Receipt):
    """A person's verdict on an evaluation."""

    id: str
    evaluation: str
    verdict: Verdict
    actor: str
    comment: str = ""


class Promotion(Receipt):
    """A row of the append-only ledger of who is champion.

    The champion at a moment is the row with the highest epoch among those whose *effective_from* is not after it; *version* is
    None where the model was retired.
    """

    model: str
    segment: str = ALL
    epoch: int
    version: str | None
    kind: PromotionKind
    effective_from: Moment
    evaluation: str | None = None
    approval: str | None = None
    reason: str
    actor: str


class Publication(Receipt):
    """The receipt of *publish*: whether the challenger became champion, and in one sentence why or why not."""

    model: str
    segment: str = ALL
    evaluation: str
    promoted: bool
    champion: str | None
    epoch: int | None
    sentence: str


class PredictionBatch(Keyed):
    """All predictions of one model, segment, interval and role. Published whole; superseded, never overwritten."""

    id: str
    role: Role
    version: str
    epoch: int
    snapshot: str
    validation: str
    rows: int


class Predicted(Keyed):
    """The receipt of *predict*: the batches of the night, none where the night was a data fault or there is no champion.

    *profile* names the counts of the rows that the champion predicted, over the edges of its reference, *outlook* those of its
    predictions, over the edges of its outlook.
    """

    batches: tuple[PredictionBatch, ...]
    profile: str | None = None
    outlook: str | None = None
    sentence: str


class SignalState(StrEnum):
    """What a signal says."""

    ALARM = "alarm"
    QUIET = "quiet"
    INSUFFICIENT = "insufficient evidence"


class Signal(Receipt):
    """A measured figure with its threshold.

    *n* is the sample size in rows (or nights, as *unit* says); *since* is when what it alarms about most likely began; *labelled*
    is the share of the newest predictions with a label that could have come, of a signal that needs labels.
    """

    name: str
    kind: str
    state: SignalState
    value: float | None
    threshold: float | None
    n: int
    unit: str = "rows"
    since: Moment | None = None
    sentence: str
    labelled: float | None = None


class Beside(Receipt):
    """Figures beside a column's PSI. Only *p_value* and *unseen* decide anything, and these with what is allowed.

    *p_value* is the least chance of its figures without drift. *listed*: it is on the list of columns to look at, of which in the
    mean at most 5 % are there by chance (Benjamini and Hochberg). *wasserstein* is in standard deviations of the reference,
    *jensen_shannon* in nats; *chi_squared* takes rows for independent. *unseen* is the share of rows whose value the reference
    never held. *parts* are the parts of the range that moved most, each with its share before and now.
    """

    p_value: float
    listed: bool
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None
    jensen_shannon: float | None = None
    chi_squared: float | None = None
    chi_squared_freedom: int | None = None
    chi_squared_p: float | None = None
    unseen: float | None = None
    unseen_allowed: float | None = None
    parts: tuple[str, ...] = ()
    mute: bool = False


class ColumnDrift(Receipt):
    """How far one column of a night lies from the reference: PSI in nats, its threshold at the night's level, rows.

    *beside* holds what else was measured; None where nothing was. A column is *mute* where no night of as many rows could alarm in
    it at this level: there is insufficient evidence, however near it lies.
    """

    column: str
    psi: float | None
    threshold: float | None
    n: int
    state: SignalState
    beside: Beside | None = None

    @property
    def word(self) -> str:
        """What to call the column's state: ``mute``, or the state."""
        return "mute" if self.beside and self.beside.mute else self.state.value


class NightLoss(Receipt):
    """The mean loss of one night's current batch on the labels known as of a cut-off, in the unit of the loss.

    *square* is the mean of the rows' squared losses. *slice* says of which rows, ``column=value``; None for all of the night.
    """

    interval: Interval
    role: Role
    version: str
    predicted: int
    labelled: int
    loss: float | None
    square: float | None = None
    slice: str | None = None


class Measurement(Keyed):
    """The receipt of *monitor*: what was measured after one night, as of its cut-off.

    *profile* names the counts of the night's rows, *outlook* those of their predictions.
    """

    id: str
    as_of: Moment
    version: str | None
    validation: str
    profile: str | None
    outlook: str | None = None
    drift: tuple[ColumnDrift, ...]
    losses: tuple[NightLoss, ...]
    signals: tuple[Signal, ...]


class Decision(Keyed):
    """The receipt of *decide*: one row a night, with its reasons.

    *otherwise* are the smallest changes that would have made it another decision, a sentence each.
    """

    id: str
    as_of: Moment
    action: Action
    rule: str
    sentence: str
    signals: tuple[Signal, ...]
    measurement: str
    request: str | None = None
    otherwise: tuple[str, ...] = ()


class RetrainRequest(Receipt):
    """A row of the queue that feeds the retraining DAG. *at* is the cut-off up to which the retraining may know."""

    id: str
    model: str
    segment: str = ALL
    at: Moment
    reason: str
    origin: str
    state: RequestState = RequestState.OPEN
    claimed_by: str | None = None
    outcome: str | None = None


class Pause(Receipt):
    """A person's word that no further run of a model starts, or, where it is not *paused*, that they start again."""

    id: str
    model: str
    segment: str = ALL
    at: Moment
    paused: bool
    reason: str
    actor: str


class Occasion(StrEnum):
    """What a person is told of: what deserves a look, the gravest first."""

    FAILURE = "failure"
    LATE = "late"
    DATA_FAULT = "data_fault"
    BREAKER = "breaker"
    REFUSED = "refused"
    APPROVAL = "approval"
    DECISION = "decision"


class News(Receipt):
    """One thing that deserves a look, in a sentence. *at* is the end of the night that it is about."""

    occasion: Occasion
    segment: str = ALL
    at: Moment
    sentence: str


class Message(Receipt):
    """What was *told* of a model about the night that ends *at*; or, where it was not, what is kept for the next message.

    There is at most one that was told for a model and a night. *carries* names those that had been kept and went out with it.
    """

    id: str
    model: str
    segment: str = ALL
    at: Moment
    told: bool
    news: tuple[News, ...]
    carries: tuple[str, ...] = ()


class Lineage(Receipt):
    """Where one prediction comes from: every id on the way back to the data, the checks and the person."""

    model: str
    segment: str
    entity: str
    event_at: Moment
    role: Role
    state: BatchState
    prediction: float
    predicted_at: Moment
    batch: str
    interval: Interval
    version: str
    epoch: int
    promotion_reason: str
    promoted_by: str
    approved_by: str | None
    evaluation: str | None
    snapshot: str
    validation: str
    training_run: str
    training_snapshot: str
    training_validation: str
    code_version: str


class Holds(StrEnum):
    """What an artifact that a row names is."""

    SNAPSHOT = "snapshot"
    QUARANTINE = "quarantine"
    MODEL = "model"
    BASELINE = "baseline"
    PROFILE = "profile"
    SAMPLE = "sample"
    DEFINITION = "definition"


class Named(Keyed):
    """An artifact by the row that names it. *reigns*: a night may need it, of a version that was champion since a retirement."""

    digest: str
    holds: Holds
    reigns: bool = False


class Fault(Receipt):
    """A promise, by its number, that does not hold: where that was seen, and what was found there."""

    promise: int
    where: str
    found: str


class Audit(Receipt):
    """How much was looked at, in rows and artifacts, and every fault that was found."""

    promotions: int
    batches: int
    predictions: int
    artifacts: int = 0
    faults: tuple[Fault, ...]
