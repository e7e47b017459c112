"""What a version's training rows held, out of its reference profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perennial.core.receipts import ModelVersion
from perennial.monitoring.counting.edges import CategoricalEdges, NumericEdges
from perennial.monitoring.counting.reference import Moments, Reference
from perennial.ports import Stores
from perennial.steps.cards.record import Learnt, Seen


def learnt(stores: Stores, version: ModelVersion) -> Learnt:
    """Return what the rows that *version* was trained on held. No row's value is told, only ends and counts.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT.
    """
    reference = Reference.from_json(stores.artifacts.get(version.profile))
    return Learnt(days=len(reference.nights), columns=tuple(_columns(reference)))


def _columns(reference: Reference) -> Iterator[Seen]:
    for edges in reference.edges.columns:
        counts = reference.total.counts[edges.name]
        if isinstance(edges, NumericEdges):
            yield _numbers(edges, counts, reference.moments[edges.name])
        else:
            yield _values(edges, counts)


def _numbers(edges: NumericEdges, counts: Sequence[int], moments: Moments) -> Seen:
    *outside, missing = counts[edges.ordinary :]
    ends = (*edges.cuts[:1], *edges.cuts[-1:], *edges.atoms)
    return Seen(
        column=edges.name,
        rows=sum(counts),
        missing=missing,
        low=min(ends, default=None),
        high=max(ends, default=None),
        outside=sum(outside),
        mean=moments.mean,
        deviation=moments.deviation,
    )


def _values(edges: CategoricalEdges, counts: Sequence[int]) -> Seen:
    return Seen(column=edges.name, rows=sum(counts), missing=counts[-1], values=len(edges.values) + len(edges.others))
