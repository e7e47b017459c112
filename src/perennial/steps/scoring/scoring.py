"""What is asked of one model about a night's rows, and what comes of it; the same wherever the rows are worked on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.definition.models import Relation
from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile, Tally
from perennial.ports import Tools
from perennial.steps.scoring.models import load_for
from perennial.steps.scoring.scored_rows import schema_of, scored_rows
from perennial.steps.snapshots.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa

Streams = Callable[[], Sequence["Iterator[pa.RecordBatch]"]]
"""Returns all predictions, each in one of several streams that may be read at the same time; each call gives them anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What is asked of one model.

    Attributes:
        source: Which columns name the entity and the event.
        manifest: The model, by the digest of its manifest.
        task: What it must have been fitted for.
        edges: Over which the rows are counted that it predicts; None where they are not.
        outlook: Over which its predictions are counted; None where they are not.
    """

    source: Relation
    manifest: str
    task: str
    edges: Edges | None = None
    outlook: Edges | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What came of it.

    Attributes:
        streams: The predictions.
        profile: The counts of the rows, where they were asked for.
        outlook: The counts of the predictions, where they were asked for.
    """

    streams: Streams
    profile: Profile | None
    outlook: Profile | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A scoring whose model is loaded. What is counted is whole when all batches were taken.

    Attributes:
        schema: The columns of the predictions.
        batches: The predictions, one batch after the other.
        tally: Counts the rows.
        told: Counts the predictions.
    """

    schema: pa.Schema
    batches: Generator[pa.RecordBatch]
    tally: Tally | None
    told: Tally | None

    @property
    def profile(self) -> Profile | None:
        """The counts of the rows."""
        return self.tally.profile if self.tally else None

    @property
    def outlook(self) -> Profile | None:
        """The counts of the predictions."""
        return self.told.profile if self.told else None


def begun(scoring: Scoring, rows: Rows, tools: Tools) -> Begun:
    """Load the model of *scoring* through its whole verification, and begin to predict *rows* with it.

    Raises:
        ArtifactError: The model is not what was signed, or ENVIRONMENT_MISMATCH.
        DefinitionError: DEFINITION_ESTIMATOR, the model was fitted for another task.
    """
    loaded = load_for(tools, scoring.manifest, scoring.task)
    tally, told = (Tally(edges) if edges else None for edges in (scoring.edges, scoring.outlook))
    return Begun(schema_of(loaded), scored_rows(scoring.source, rows, loaded, tally, told), tally, told)
