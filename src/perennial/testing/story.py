"""Made-up receipts of one model that name each other, for tests that need a ledger with something in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Action,
    Approval,
    ColumnDrift,
    Cost,
    Decision,
    Estimate,
    Evaluation,
    Finding,
    GateResult,
    Importance,
    Measurement,
    Message,
    ModelVersion,
    News,
    NightLoss,
    Occasion,
    Pause,
    PredictionBatch,
    Promotion,
    PromotionKind,
    Purpose,
    Release,
    RetrainRequest,
    Role,
    Signal,
    SignalState,
    Snapshot,
    Validation,
    Verdict,
)

if TYPE_CHECKING:
    from perennial.ports import Ledger

FIRST_DAY = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_TRAINING_DAYS = 30


def day(number: float) -> datetime:
    """Return the start of day *number*; day 0 is 2024-03-01, and 0.5 its noon."""
    return FIRST_DAY + number * DAY


def night(number: int, nights: int = 1) -> Interval:
    """Return the interval of *nights* nights that starts with day *number*."""
    return Interval(day(number), day(number + nights))


@dataclass(frozen=True, slots=True)
class Story:
    """Receipts of *model* and *segment*. What is only made is not in the ledger; what is kept is, with all it names."""

    model: str = "bike_demand"
    segment: str = ALL

    def snapshot(self, number: int, purpose: Purpose = Purpose.SCORE) -> Snapshot:
        """Make the extract of night *number*, or for a training that ends with that day."""
        return Snapshot(
            model=self.model,
            segment=self.segment,
            interval=self._interval(number, purpose),
            digest=self._id("snapshot", purpose, number),
            purpose=purpose,
            as_of=day(number + 1),
            rows=48,
            label_rows=24,
            bytes=4096,
        )

    def release(self, number: int, *, stands: bool = True) -> Release:
        """Make a person's word that night *number* is right after all."""
        return Release(
            model=self.model,
            segment=self.segment,
            interval=self._interval(number, Purpose.SCORE),
            id=self._id("release", number, stands),
            snapshot=self._id("snapshot", Purpose.SCORE, number),
            findings=("quality.units temperature", "quality.volume"),
            stands=stands,
            reason="A record; „so what“.",
            actor="ana",
        )

    def validation(self, number: int, purpose: Purpose = Purpose.SCORE) -> Validation:
        """Make the validation of that extract."""
        finding = Finding(
            expectation="expect_column_values_to_be_between",
            column="temperature",
            success=True,
            rows=48,
            unexpected=1,
            sentence="1 of 48 rows lies outside.",
        )
        return Validation(
            model=self.model,
            segment=self.segment,
            interval=self._interval(number, purpose),
            id=self._id("validation", purpose, number),
            snapshot=self._id("snapshot", purpose, number),
            purpose=purpose,
            as_of=day(number + 1),
            verdict=Verdict.PASS,
            rows=48,
            quarantined=1,
            quarantine=self._id("quarantine", purpose, number),
            findings=(finding, finding.model_copy(update={"column": None})),
        )

    def version(self, number: int, request: str | None = None) -> ModelVersion:
        """Make the version that was trained at the end of day *number*."""
        return ModelVersion(
            model=self.model,
            segment=self.segment,
            interval=self._interval(number, Purpose.TRAIN),
            id=self._id("version", number),
            training_run=self._id("run", number),
            snapshot=self._id("snapshot", Purpose.TRAIN, number),
            validation=self._id("validation", Purpose.TRAIN, number),
            as_of=day(number + 1),
            trained_on=Interval(day(number - _TRAINING_DAYS), day(number - 7)),
            rows=720,
            artifact=self._id("artifact", number),
            baseline=self._id("baseline", number),
            profile=self._id("profile", number),
            sample=self._id("sample", number),
            definition_digest=self._id("definition"),
            code_version="0.1.0",
            seed=2**32 - 1,
            reason="scheduled",
            request=request,
            fit_seconds=0.1 + 0.2,
            fit_memory=2**40,
            drawn_from=1440,
            drawn_days=23,
        )

    def evaluation(self, number: int, champion: str | None = None, verdict: Verdict = Verdict.PASS) -> Evaluation:
        """Make the evaluation of that version."""
        figures = {"mae": Estimate(value=0.1 + 0.2, low=-1e-300, high=None), "r2": Estimate(value=float("-inf"))}
        gate = GateResult(gate="baseline", verdict=verdict, sentence="It is 12 % better than the baseline.")
        return Evaluation(
            model=self.model,
            segment=self.segment,
            interval=self._interval(number, Purpose.TRAIN),
            id=self._id("evaluation", number),
            challenger=self._id("version", number),
            champion=champion,
            snapshot=self._id("snapshot", Purpose.TRAIN, number),
            as_of=day(number + 1),
            holdout=Interval(day(number - 7), day(number + 1)),
            rows=168,
            verdict=verdict,
            sentence="It may become champion.",
            metrics={"challenger": figures, "baseline": figures},
            gates=(gate,),
            importance={"temperature": Importance(mean=0.1 + 0.2, low=-1e-300, high=1.5)},
            cost=Cost(load_seconds=0.1 + 0.2, row_seconds=0.001, thousand_seconds=0.02, baseline_seconds=1e-300, memory=2**40),
        )

    def approval(self, number: int) -> Approval:
        """Make a person's approval of that evaluation."""
        return Approval(
            id=self._id("approval", number),
            evaluation=self._id("evaluation", number),
            verdict=Verdict.PASS,
            actor="ana",
            comment="Looks right; „ok“.",
        )

    def promotion(
        self, epoch: int, number: int, kind: PromotionKind = PromotionKind.PROMOTE, *, approved: bool = False
    ) -> Promotion:
        """Make the promotion of version *number* in the given epoch, in force from the day after its training."""
        return Promotion(
            model=self.model,
            segment=self.segment,
            epoch=epoch,
            version=None if kind is PromotionKind.RETIRE else self._id("version", number),
            kind=kind,
            effective_from=day(number + 1),
            evaluation=self._id("evaluation", number) if kind is PromotionKind.PROMOTE else None,
            approval=self._id("approval", number) if approved else None,
            reason=f"{kind} of version {number}",
            actor="retrain",
        )

    def batch(
        self, number: int, version: int = 0, *, epoch: int = 1, role: Role = Role.CHAMPION, attempt: int = 1, nights: int = 1
    ) -> PredictionBatch:
        """Make the batch of night *number*, of one row an hour and entity."""
        return PredictionBatch(
            model=self.model,
            segment=self.segment,
            interval=night(number, nights),
            id=self._id("batch", number, version, role, attempt, nights),
            role=role,
            version=self._id("version", version),
            epoch=epoch,
            snapshot=self._id("snapshot", Purpose.SCORE, number),
            validation=self._id("validation", Purpose.SCORE, number),
            rows=48,
        )

    def measurement(self, number: int, version: int = 0) -> Measurement:
        """Make the measurement of night *number*."""
        drift = (
            ColumnDrift(column="temperature", psi=0.1, threshold=0.25, n=48, state=SignalState.QUIET),
            ColumnDrift(column="a column", psi=None, threshold=None, n=0, state=SignalState.INSUFFICIENT),
        )
        loss = NightLoss(
            interval=night(number - 1),
            role=Role.CHAMPION,
            version=self._id("version", version),
            predicted=48,
            labelled=24,
            loss=1 / 3,
        )
        return Measurement(
            model=self.model,
            segment=self.segment,
            interval=night(number),
            id=self._id("measurement", number),
            as_of=day(number + 1),
            version=self._id("version", version),
            validation=self._id("validation", Purpose.SCORE, number),
            profile=self._id("night", number),
            outlook=self._id("night's predictions", number),
            drift=drift,
            losses=(loss, loss.model_copy(update={"role": Role.BASELINE, "labelled": 0, "loss": None})),
            signals=(self._signal(),),
        )

    def decision(self, number: int, request: str | None = None) -> Decision:
        """Make the decision about night *number*."""
        return Decision(
            model=self.model,
            segment=self.segment,
            interval=night(number),
            id=self._id("decision", number),
            as_of=day(number + 1),
            action=Action.KEEP,
            rule="nothing",
            sentence="Nothing moved.",
            signals=(self._signal(),),
            measurement=self._id("measurement", number),
            request=request,
            otherwise=("loss: below 0.5 (inf was measured) the night would keep the champion",),
        )

    def request(self, number: float) -> RetrainRequest:
        """Make a retrain request whose cut-off is day *number*."""
        return RetrainRequest(
            id=self._id("request", number),
            model=self.model,
            segment=self.segment,
            at=day(number),
            reason="decay",
            origin="decide",
        )

    def pause(self, number: float) -> Pause:
        """Make a person's word, on day *number*, that no further run starts."""
        return Pause(
            id=self._id("pause", number),
            model=self.model,
            segment=self.segment,
            at=day(number),
            paused=True,
            reason="The source moves; „wait“.",
            actor="ana",
        )

    def message(self, number: float) -> Message:
        """Make what is told of the night that ends with day *number*."""
        news = News(occasion=Occasion.REFUSED, segment=self.segment, at=day(number), sentence="It lost; „0.3“ to 0.1 + 0.2.")
        return Message(
            id=self._id("message", number),
            model=self.model,
            segment=self.segment,
            at=day(number),
            told=True,
            news=(news,),
            carries=("another",),
        )

    def keep_night(self, ledger: Ledger, number: int) -> None:
        """Record the extract of night *number* and its validation."""
        ledger.record(self.snapshot(number))
        ledger.record(self.validation(number))

    def keep_version(self, ledger: Ledger, number: int) -> ModelVersion:
        """Record the version of day *number*, its extract, validation and evaluation."""
        ledger.record(self.snapshot(number, Purpose.TRAIN))
        ledger.record(self.validation(number, Purpose.TRAIN))
        version = ledger.record(self.version(number))
        ledger.record(self.evaluation(number))
        return version

    def keep_champion(self, ledger: Ledger, number: int = 0, *, epoch: int = 1) -> Promotion:
        """Record the version of day *number*, and promote it."""
        self.keep_version(ledger, number)
        return ledger.promote(self.promotion(epoch, number))

    def _interval(self, number: int, purpose: Purpose) -> Interval:
        return night(number) if purpose is Purpose.SCORE else Interval(day(number - _TRAINING_DAYS), day(number + 1))

    def _id(self, *parts: object) -> str:
        return "-".join(str(part) for part in (self.model, self.segment, *parts))

    def _signal(self) -> Signal:
        return Signal(
            name="loss",
            kind="decay",
            state=SignalState.ALARM,
            value=float("inf"),
            threshold=0.5,
            n=30,
            unit="nights",
            sentence="The loss is higher than the evaluated one.",
        )


def predictions(interval: Interval, value: float = 1.0, entities: tuple[str, ...] = ("north", "south")) -> Iterator[pa.RecordBatch]:
    """Yield one record batch per entity, of one prediction an hour: *value* plus the hour's number."""
    hours = [part.start for part in interval.split(timedelta(hours=1))]
    for entity in entities:
        values = [value + number for number in range(len(hours))]
        yield _record_batch(entity=[entity] * len(hours), event_at=hours, prediction=values)


def outcomes(
    interval: Interval, value: float = 1.0, entities: tuple[str, ...] = ("north", "south"), *, available_at: datetime | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield one record batch per entity, of one label an hour: *value* plus the hour's number, known a day after the event."""
    hours = [part.start for part in interval.split(timedelta(hours=1))]
    known = [available_at or hour + DAY for hour in hours]
    for entity in entities:
        values = [value + number for number in range(len(hours))]
        yield _record_batch(entity=[entity] * len(hours), event_at=hours, value=values, available_at=known)


def _record_batch(**columns: list[object] | list[str] | list[datetime] | list[float]) -> pa.RecordBatch:
    moment = pa.timestamp("us", "UTC")
    return pa.record_batch({name: pa.array(values, moment if name.endswith("_at") else None) for name, values in columns.items()})
