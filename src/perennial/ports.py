"""What the steps need of the world: a source, a store of artifacts, a ledger. ``stores`` has them, ``testing`` has fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Audit,
    Lineage,
    Named,
    NightLoss,
    PredictionBatch,
    Promotion,
    Receipt,
    RequestState,
    RetrainRequest,
    Role,
)
from perennial.workshop.done import Done
from perennial.workshop.owner import ProcessWorkshop

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.monitoring.counting.edges import Edges
    from perennial.monitoring.counting.profile import Profile

P = TypeVar("P")
R = TypeVar("R", bound=Receipt)

ABANDONED_AFTER = timedelta(hours=12)
"""A claim that is older than this counts as abandoned: longer than a retraining may take, waiting for a person aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Which values of a column are asked for.

    Attributes:
        column: The column.
        values: Texts, or whole numbers; at least one.
        others: Whether all rows but these are asked for: those with another value, and those with none.
    """

    column: str
    values: tuple[str, ...] | tuple[int, ...]
    others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows of a source are asked for.

    Attributes:
        relation: A table (``schema.table``), a ``SELECT`` statement, or a path below the source's root.
        columns: What to read, in this order, besides nothing else.
        entity: The columns that name the thing a row is about; part of *columns*.
        event_at: The column of when it happened; part of *columns*.
        available_at: The column of when it could have been known, if the source has one; part of *columns*.
        interval: Rows with ``start <= event_at < end``.
        as_of: Rows with ``available_at <= as_of``.
        declared: The type of every column of a file, as the definition's ``columns`` say it; None where it says nothing. Databases
            know their types and do not look at it.
        numeric: Columns out of *columns* that must be numbers: a text in them is a fault, where a source would have to guess.
        among: Rows with these values only; its column is part of *columns*.
    """

    relation: str
    columns: tuple[str, ...]
    entity: tuple[str, ...]
    event_at: str
    available_at: str | None
    interval: Interval
    as_of: datetime
    declared: Mapping[str, str] | None = None
    numeric: tuple[str, ...] = ()
    among: Among | None = None


class Source(Protocol):
    """Reads rows of an interval, as of a cut-off."""

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in the order of (event_at, entity, available_at), with every timestamp in UTC microseconds.

        Yields at least one batch, which may have no rows, so that the schema is always known.

        Raises:
            DataError: SCHEMA_MISSING (every missing column at once), TIME_NAIVE, FILE_CORRUPT.
            RejectedError: STORE_REJECTED, STORE_DENIED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        ...


@runtime_checkable
class Profiling(Protocol):
    """A source that can count the rows of an interval itself, so that only counts leave it."""

    def profile(self, selection: Selection, edges: Edges) -> Profile:
        """Return what ``monitoring.counting.profile`` would count of the rows that ``Source.read`` would yield.

        Args:
            selection: Which rows; its columns hold those that *edges* read.
            edges: Over which to count.

        Raises:
            DataError: As ``Source.read``; SCHEMA_TYPE, a column cannot be counted over its edges.
            RejectedError: STORE_REJECTED, STORE_DENIED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        ...


class Artifacts(Protocol):
    """Keeps bytes under their SHA-256. No path that a user supplied ever reaches it."""

    def put(self, content: bytes | Path) -> str:
        """Store *content* (bytes, or the bytes of a file) all or nothing, and return its digest. Storing it again changes nothing.

        Raises:
            RejectedError: STORE_FULL, STORE_DENIED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes under *digest*, verified.

        Raises:
            ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
        """
        ...

    def fetch(self, digest: str) -> AbstractContextManager[Path]:
        """Lend a local, read-only file with the verified bytes of *digest*, for what is too large to hold in memory."""
        ...

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield every digest in the store with the time it was last stored, for garbage collection."""
        ...

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Remove *digest*, and return whether it was there and is gone. Only garbage collection calls this, for what nothing names.

        Args:
            digest: What to remove.
            unless_stored_after: Leave it where it was last stored after this moment: somebody may be about to name it.
        """
        ...


class Ledger(Protocol):
    """The record of everything that happened, in PostgreSQL. Recording a thing again returns the record that stands."""

    def lease(self, model: str, segment: str, flow: str, holder: str, ttl: timedelta) -> AbstractContextManager[Self]:
        """Hold (*model*, *segment*, *flow*) and yield a ledger whose every write checks that in its own transaction.

        A later attempt of the same *holder* takes over at once and thereby fences the earlier one off; another holder waits for
        the release or for *ttl* to pass. After *ttl* the holder still writes, as long as nobody has taken over.

        Raises:
            UnavailableError: LEASE_HELD, another holder has it; the message says until when.
            ConflictError: LEASE_LOST, from a write after a later attempt took over.
        """
        ...

    def record(self, receipt: R) -> R:
        """Append a Snapshot, Release, Validation, ModelVersion, Evaluation, Approval, Measurement, Decision, Pause or Message.

        It is there once per key. Recorded again it stays as it is, but comes last among those of its interval in *history*: what
        was said last stands.
        """
        ...

    def get(self, kind: type[R], key: str) -> R:
        """Return the record of *kind* with this id (or digest).

        Raises:
            RejectedError: MODEL_UNKNOWN.
        """
        ...

    def history(
        self, kind: type[R], model: str, segment: str = ALL, *, within: Interval | None = None, newest: int | None = None
    ) -> list[R]:
        """Return the records of *kind* in the order of (interval, last recorded); only the last *newest* where given.

        Args:
            kind: Snapshot, Release, Validation, ModelVersion, Evaluation, Approval (as its evaluation), Measurement, Decision,
                PredictionBatch (any state), Promotion (by epoch; *within* is ignored), RetrainRequest, Pause or Message (by *at*,
                which *within* bounds).
            model: The model's name.
            segment: The segment.
            within: Only records whose interval starts inside.
            newest: At most so many, from the end.
        """
        ...

    def champion(self, model: str, segment: str = ALL, *, at: datetime | None = None) -> Promotion | None:
        """Return the promotion in force at *at* (default: of all), or None where there is none or the model was retired."""
        ...

    def promote(self, promotion: Promotion) -> Promotion:
        """Append *promotion* if its epoch is the next one (compare and set).

        Promoting an evaluation that was promoted already returns that promotion.

        Raises:
            ConflictError: PROMOTE_CONFLICT, the epoch is taken.
        """
        ...

    def publish(self, batch: PredictionBatch, *predictions: Iterable[pa.RecordBatch]) -> PredictionBatch:
        """Write all *predictions* under a staged batch, then make it current and the earlier one of its key superseded, at once.

        As a rule there is one stream of them. Several may be read and written at the same time.

        Each record batch has the columns ``entity`` (string), ``event_at`` (timestamp, UTC), ``prediction`` (float64), and
        optionally ``low`` and ``high`` (float64, both or neither may be null). It is fastest, and reads best, where they come in
        the order of time. A batch that is current already is left as it is; one that was superseded becomes current again without
        being written again. Where rows of it have expired, all are written again, for a batch is never current in part.

        After an UnavailableError nobody can say whether it was published. Publish it again: what was done is not done twice.

        Raises:
            ConflictError: INTERVAL_OVERLAP, a current batch of the same model, segment and role covers part of the interval.
            DataError: DATA_DUPLICATE_KEY, DATA_EMPTY, DATA_ENCODING, DATA_NUL, DATA_TOO_LARGE, PREDICTION_NONFINITE.
        """
        ...

    def withdraw(self, model: str, segment: str = ALL, *, within: Interval) -> int:
        """Make the current batches of just the interval *within*, of every role, superseded by none; return how many.

        Nothing is removed. Publishing one of them again makes it current again.
        """
        ...

    def predictions(self, model: str, segment: str = ALL, *, role: Role = Role.CHAMPION, within: Interval) -> pa.Table:
        """Return what *stream_predictions* yields, in memory."""
        ...

    def stream_predictions(
        self, model: str, segment: str = ALL, *, role: Role = Role.CHAMPION, within: Interval
    ) -> Iterator[pa.RecordBatch]:
        """Yield the current predictions with ``event_at`` inside, by event and entity, in bounded memory.

        The columns are entity, event_at, prediction, low, high, version, batch. They are those that were current at the start, all
        of them, also where a later batch supersedes them, or retention removes them, before they are read.
        """
        ...

    def record_outcomes(self, model: str, segment: str, outcomes: Iterable[pa.RecordBatch]) -> int:
        """Append labels (entity, event_at, value float64, available_at), once each, and return how many were new.

        A later *available_at* of the same entity and event is a revision beside the earlier row.
        """
        ...

    def outcomes(self, model: str, segment: str = ALL, *, within: Interval, as_of: datetime) -> Iterator[pa.RecordBatch]:
        """Yield the labels of events inside *within*, of each the latest that was available as of *as_of*.

        The columns are entity, event_at and value; they come by event and entity, in bounded memory.
        """
        ...

    def losses(
        self, model: str, segment: str, *, loss: str, within: Interval, as_of: datetime, matured_before: datetime
    ) -> list[NightLoss]:
        """Return the mean loss per current batch, and the mean square of it, whose interval lies in *within*, by (interval, role).

        Uses the latest label of each event that was available as of *as_of*, and only events before *matured_before*.

        Args:
            model: The model's name.
            segment: The segment.
            loss: ``absolute``, ``squared`` or ``log`` (natural; predictions clipped to [1e-15, 1 - 1e-15]).
            within: Batches whose interval lies inside.
            as_of: Labels that became available later are not used.
            matured_before: Events from here on are not matured yet.
        """
        ...

    def slice_losses(self, model: str, segment: str, *, version: str, before: datetime, as_of: datetime) -> list[NightLoss]:
        """Return the losses by slice of *version* that earlier nights were measured with, by (slice, interval).

        Of each night that has slices, they are what the last night says that measured them; first, with no slice, come the losses
        that the same measurements name of those whole nights. Of several measurements of a night the one that was said last counts.

        Args:
            model: The model's name.
            segment: The segment.
            version: The champion's id.
            before: Nights that began from here on do not count.
            as_of: Measurements with a later cut-off do not count.
        """
        ...

    def request_retraining(
        self, request: RetrainRequest, *, cooldown: timedelta, max_per_30d: int | None, force: bool = False
    ) -> tuple[RetrainRequest | None, str]:
        """File *request*, unless one is open, or an earlier one is nearer than *cooldown*, or the budget is used up.

        At most one is open per model and segment at any moment, whatever happens at once. Filing an id again returns the
        request as it stands.

        Returns:
            The request, or None; and a sentence that says why.
        """
        ...

    def claim_request(
        self, model: str, segment: str, claimed_by: str, *, at: datetime | None, abandoned_after: timedelta = ABANDONED_AFTER
    ) -> RetrainRequest | None:
        """Take the request that waits: the open one, the one that *claimed_by* took before, or one that was abandoned.

        Args:
            model: The model's name.
            segment: The segment.
            claimed_by: Who takes it. What it took and settled it is given again only where it asks with the same *at* as before.
            at: Requests with a later *at* are not known yet; None takes any.
            abandoned_after: A claim of somebody else that is this old, by the ledger's clock, is taken over; zero takes any over.

        Returns:
            The request, or None where none waits.
        """
        ...

    def settle_request(
        self, request: str, outcome: str, state: RequestState = RequestState.DONE, *, claimed_by: str | None = None
    ) -> None:
        """Say what became of a request: it is done, or open again. What is done stays as it is.

        Args:
            request: Its id.
            outcome: What became of it, in a sentence.
            state: ``done``, or ``open`` to put it back.
            claimed_by: Where given, the request is left alone if somebody else has taken it over.

        Raises:
            RejectedError: MODEL_UNKNOWN.
        """
        ...

    def trace(self, model: str, segment: str, entity: str, event_at: datetime) -> list[Lineage]:
        """Return where the predictions of one entity and event come from, in all roles and states, current first."""
        ...

    def referenced(self) -> set[str]:
        """Return every artifact digest that any row names (snapshots by their manifests)."""
        ...

    def manifests(self) -> set[str]:
        """Return those of *referenced* that name artifacts in turn: of snapshots, of models and of their baselines."""
        ...

    def named(self) -> list[Named]:
        """Return every artifact that a row names, by the row: those of *referenced*, once for each row."""
        ...

    def audit(self) -> Audit:
        """Look at every promotion, prediction batch, prediction and open request as they stood at one moment.

        Nothing is changed, and nobody has to wait. The faults are those of promises 1, 3, 4, 5, 7, 8, 9 and 18 that rows can show;
        artifacts are not looked at. Only prediction rows that retention has removed may be missing.
        """
        ...

    def expired_predictions(self, horizons: Mapping[tuple[str, str], datetime]) -> int:
        """Return how many prediction rows *expire_predictions* would remove."""
        ...

    def expire_predictions(self, horizons: Mapping[tuple[str, str], datetime]) -> int:
        """Remove prediction rows (never the batches) that are too old, and return how many there were.

        Gone are also the rows of batches that an attempt left behind without making them current, after a day.

        Args:
            horizons: By model and segment, the moment before which an event is too old. What has no horizon is kept.
        """
        ...


class Workshop(Protocol):
    """Runs what may crash, loop or eat all memory, so that only the job is lost."""

    def prepare(self, module: str) -> None:
        """Get ready for jobs of *module*, without waiting for that."""
        ...

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:
        """Run a job to its end, and return what it returned and took.

        Args:
            job: ``module:function`` of our own. The function takes *ask* and *folder*, and returns JSON types.
            ask: JSON types.
            folder: A folder with what the job reads; what it makes that is large, it writes there.
            memory: The most memory that it may ask for, in bytes.
            seconds: After this time it is stopped.

        Raises:
            PerennialError: What the job raised: the same class, with the same faults.
            TerminalError: MEMORY_LIMIT, MODEL_CRASHED, MODEL_TIMEOUT.
            UnavailableError: WORKSHOP_ENDED; MODEL_KILLED, from outside.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What work on rows may reach, on whatever machine it is done: artifacts and models, but no source and no ledger.

    Attributes:
        artifacts: Where bytes are kept.
        signing_key: The key that authenticates model artifacts (HMAC-SHA256), at least 32 bytes.
        scratch: A folder for temporary files.
        trusted: Classes that model artifacts may hold beside those that Perennial trusts itself, as ``module.Class``.
        loaded: Models that were verified since these were opened, by the digest of their manifest.
    """

    artifacts: Artifacts
    signing_key: bytes
    scratch: Path
    trusted: frozenset[str] = frozenset()
    loaded: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Works on the parts of a snapshot somewhere else, on many machines at once. The functions are those that work here."""

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* once with each of *parts*, and return what became of each, in their order: all of them, or an error.

        A part may be worked on more than once, also at the same time, where a machine is lost or slow; one answer of each counts.
        So *work* changes nothing but artifacts, whose names are their content.

        Args:
            work: Records of plain values and functions of modules, for it travels. It answers in few bytes; what is large, it puts
                into the artifacts.
            parts: Records of plain values.

        Raises:
            PerennialError: What *work* raised: the same class, with the same faults; of several parts that of the first.
            TerminalError: ENGINE_FAILED, *work* broke with another error as often as it was tried, or no machine is set up for it.
            UnavailableError: ENGINE_FAILED, machines were lost as often as it was tried; ENGINE_UNAVAILABLE.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores(Tools):
    """All that a step may reach.

    Attributes:
        source: Returns the source behind a connection's name.
        ledger: Where receipts are kept.
        workshop: Where models are fitted and loaded for the first time. The one that is made by default starts at its first use and
            ends with these stores.
        engine: Where the rows of a night are worked on, part by part; None where that is done here, as one stream.
    """

    source: Callable[[str], Source]
    ledger: Ledger
    workshop: Workshop = field(default_factory=ProcessWorkshop)
    engine: Engine | None = None

    @contextmanager
    def leased(self, model: str, segment: str, flow: str, *, holder: str, ttl: timedelta) -> Iterator[Stores]:
        """Lend the same stores with a ledger that writes only as long as *holder* holds (*model*, *segment*, *flow*)."""
        with self.ledger.lease(model, segment, flow, holder, ttl) as ledger:
            yield replace(self, ledger=ledger)
