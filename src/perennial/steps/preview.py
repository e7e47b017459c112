"""preview: what an earlier champion would do tonight, before it takes over again. Nothing is recorded."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, TerminalError
from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Promotion, Receipt
from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Stores
from perennial.steps.champion import version_of
from perennial.steps.compare import Comparison, compare, side_by_side
from perennial.steps.former import former
from perennial.steps.scoring.labelled_nights import labelled_nights
from perennial.steps.scoring.models import load_for
from perennial.steps.scoring.spread import Spread, spread
from perennial.steps.scoring.tonight import tonight
from perennial.steps.snapshots.rows import Rows

NO_ROWS = (Code.DATA_EMPTY, Code.ARTIFACT_MISSING, Code.ARTIFACT_CHECKSUM)
"""What may be wrong with rows, after the version itself was loaded."""


class Tried(Receipt):
    """Where the predictions of rows of *interval* lie, by version. *remarks* say what could not be looked at, and why."""

    interval: Interval | None = None
    predictions: dict[str, Spread]
    remarks: tuple[str, ...] = ()


class Preview(Receipt):
    """The version that is gone back to beside the present champion, which is None for a retired model.

    *epoch* is that of the newest promotion at the time. *comparison* has the version in the place of a challenger, on labelled
    rows that neither was trained on; where there is none, *remarks* say why.
    """

    model: str
    segment: str
    epoch: int
    version: str
    present: str | None
    tried: Tried
    comparison: Comparison | None
    remarks: tuple[str, ...]


def preview(definition: Definition, segment: str, stores: Stores, *, to: str | None = None, again: bool = False) -> Preview:
    """Load the version *to*, or the champion before, through its whole verification, and score it on tonight's rows.

    These are the rows of the newest night that passed its validation, or before there is one, the newest evaluation's holdout. The
    present champion is scored beside it as far as it can be: it may be what is broken. The two are compared on the newest nights
    whose labels have come, else on the newest evaluation's rows.

    Args:
        definition: The model.
        segment: The segment.
        stores: Where from; nothing is written.
        to: A version that was champion before; by default the one that the present champion once replaced.
        again: Whether *to* may be the present champion, to have nights predicted again.

    Raises:
        ArtifactError: The version, its baseline or its profile is lost or not what was signed, or ENVIRONMENT_MISMATCH.
        DataError: The version cannot predict these rows: SCHEMA_MISSING, SCHEMA_TYPE, PREDICTION_NONFINITE.
        DefinitionError: DEFINITION_ESTIMATOR, the version was fitted for another task.
        RejectedError: NO_CHAMPION, there is nothing to go back from; MODEL_UNKNOWN, *to* was never champion.
    """
    promotions = stores.ledger.history(Promotion, definition.name, segment)
    version = stores.ledger.get(ModelVersion, former(definition.name, promotions, to, again=again))
    champion = version_of(stores, promotions[-1])
    beside = champion if champion is not None and champion.id != version.id else None
    _load(definition, stores, version)
    tried = _tried(definition, stores, version, beside)
    comparison, remarks = _compared(definition, stores, version, beside) if beside else (None, ())
    return Preview(
        model=definition.name,
        segment=segment,
        epoch=promotions[-1].epoch,
        version=version.id,
        present=champion.id if champion else None,
        tried=tried,
        comparison=comparison,
        remarks=remarks,
    )


def _load(definition: Definition, stores: Stores, version: ModelVersion) -> None:
    """Make sure that all that a night needs of *version* is there, and is what was signed."""
    for manifest in (version.artifact, version.baseline):
        load_for(stores, manifest, definition.estimator.task)
    Reference.from_json(stores.artifacts.get(version.profile))


def _tried(definition: Definition, stores: Stores, version: ModelVersion, beside: ModelVersion | None) -> Tried:
    try:
        with tonight(definition, version.segment, stores) as (interval, rows):
            own = {version.id: spread(definition, stores, rows, version.artifact)}
            if beside is None:
                return Tried(interval=interval, predictions=own)
            others, remarks = _beside(definition, stores, rows, beside)
            return Tried(interval=interval, predictions=own | others, remarks=remarks)
    except PerennialError as error:
        if error.code not in NO_ROWS:
            raise
        return Tried(predictions={}, remarks=(f"There are no rows to try {version.id} on: {error}",))


def _beside(
    definition: Definition, stores: Stores, rows: Rows, champion: ModelVersion
) -> tuple[dict[str, Spread], tuple[str, ...]]:
    try:
        return {champion.id: spread(definition, stores, rows, champion.artifact)}, ()
    except TerminalError as error:
        return {}, (f"{champion.id}, the present champion, cannot predict these rows: {error}",)


def _compared(
    definition: Definition, stores: Stores, version: ModelVersion, beside: ModelVersion
) -> tuple[Comparison | None, tuple[str, ...]]:
    unseen = max(version.trained_on.end, beside.trained_on.end)
    remarks: tuple[str, ...] = ()
    try:
        found = labelled_nights(definition, version.segment, stores, unseen)
    except PerennialError as error:
        found, remarks = None, (f"The labels of the last nights cannot be read: {error}",)
    try:
        if found is None:
            return compare(definition, stores, first=version.id, second=beside.id), remarks
        return side_by_side(definition, stores, found[1], found[0], version, beside), remarks
    except TerminalError as error:
        return None, (*remarks, f"The two cannot be compared on labelled rows: {error}")
