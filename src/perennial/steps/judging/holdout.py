"""holdout: the rows on which a challenger is judged, and whether the champion can be judged beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perennial.core.interval import Interval, iso
from perennial.core.receipts import ModelVersion
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import within
from perennial.steps.scoring.models import unusable

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Holdout:
    """Rows that no model beside the challenger was trained on either.

    Attributes:
        interval: Where they lie.
        rows: The rows, with their labels.
        champion: The champion's manifest; None where there is no champion, or it was left out.
        remark: What a person should know about that; empty where all is as usual.
        seen: Whether the champion was left out because it was trained on all of them.
    """

    interval: Interval
    rows: pa.Table
    champion: str | None = None
    remark: str = ""
    seen: bool = False


def beside(definition: Definition, stores: Stores, whole: Holdout, champion: ModelVersion | None) -> Holdout:
    """Return the part of *whole* on which *champion* can be judged, too.

    A champion that cannot predict these rows is left out. Of a holdout that it was trained on, the rest is kept; where none is
    left, all of it is, and the champion is left out.

    Raises:
        ArtifactError: The champion is not what was signed.
    """
    if champion is None:
        return whole
    if why := unusable(stores, champion.artifact, whole.rows, task=definition.estimator.task):
        return replace(whole, remark=f"{champion.id} {why} and cannot predict here, so it was left out.")
    if champion.trained_on.end <= whole.interval.start:
        return replace(whole, champion=champion.artifact)
    return _unseen(definition, whole, champion) or replace(whole, remark=_all_seen(whole, champion), seen=True)


def _unseen(definition: Definition, whole: Holdout, champion: ModelVersion) -> Holdout | None:
    start = champion.trained_on.end
    if start >= whole.interval.end:
        return None
    rest = Interval(start, whole.interval.end)
    rows = within(whole.rows, definition, rest)
    remark = f"Only rows from {iso(start)} on were compared: {champion.id} was trained on those before."
    return Holdout(rest, rows, champion.artifact, remark) if rows.num_rows else None


def _all_seen(whole: Holdout, champion: ModelVersion) -> str:
    seen = f"{champion.id} was trained on the whole holdout {whole.interval}"
    return f"{seen}, so no row is left to compare it on: inconclusive."
