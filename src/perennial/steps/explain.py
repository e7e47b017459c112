"""explain: a night's decision with what was measured, what would have changed it, and what became of what it asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import (
    Decision,
    Evaluation,
    Measurement,
    ModelVersion,
    Moment,
    PredictionBatch,
    Promotion,
    Receipt,
    RequestState,
    RetrainRequest,
    Validation,
    Verdict,
)

if TYPE_CHECKING:
    from perennial.core.interval import Interval
    from perennial.definition.models import Definition
    from perennial.ports import Ledger, Stores


class Answer(Receipt):
    """A challenger that answered a request: how it was judged, and the epoch from which it was champion, if it was."""

    version: str
    evaluation: str
    verdict: Verdict
    sentence: str
    gates: dict[str, Verdict]
    epoch: int | None = None


class Asked(Receipt):
    """What became of the request of a decision."""

    request: str
    at: Moment
    state: RequestState
    outcome: str | None
    answers: tuple[Answer, ...]


class Explanation(Receipt):
    """A night's decision, and what leads on from it: *before* is how often the night was decided otherwise before.

    *snapshot* and *validation* name the night's data and checks, *version* its champion, *batches* its predictions.
    """

    decision: Decision
    measurement: Measurement
    before: int
    snapshot: str
    validation: str
    version: str | None
    batches: tuple[str, ...]
    asked: Asked | None


def explain(definition: Definition, night: Interval | None, segment: str, stores: Stores) -> Explanation:
    """Return why the night was decided as it was; of the newest night that was decided where *night* is None.

    Raises:
        RejectedError: MODEL_UNKNOWN, the night was not decided.
    """
    ledger = stores.ledger
    said = _said(definition, night, segment, ledger)
    decision = said[-1]
    measurement = ledger.get(Measurement, decision.measurement)
    validation = ledger.get(Validation, measurement.validation)
    batches = ledger.history(PredictionBatch, definition.name, segment, within=decision.interval)
    return Explanation(
        decision=decision,
        measurement=measurement,
        before=len(said) - 1,
        snapshot=validation.snapshot,
        validation=validation.id,
        version=measurement.version,
        batches=tuple(batch.id for batch in batches if batch.validation == validation.id),
        asked=None if decision.request is None else _asked(ledger, ledger.get(RetrainRequest, decision.request)),
    )


def _said(definition: Definition, night: Interval | None, segment: str, ledger: Ledger) -> list[Decision]:
    """Return the decisions about the night, the one that stands last."""
    if night is None:
        newest = ledger.history(Decision, definition.name, segment, newest=1)
        night = newest[-1].interval if newest else None
    found = [] if night is None else ledger.history(Decision, definition.name, segment, within=night)
    said = [one for one in found if one.interval == night]
    if not said:
        when = "yet" if night is None else f"about {night}"
        raise RejectedError(Code.MODEL_UNKNOWN, f"there is no decision {when}", where=definition.name)
    return said


def _asked(ledger: Ledger, request: RetrainRequest) -> Asked:
    model, segment = request.model, request.segment
    made = {row.id for row in ledger.history(ModelVersion, model, segment) if row.request == request.id}
    epochs = {row.evaluation: row.epoch for row in ledger.history(Promotion, model, segment) if row.evaluation}
    judged = [row for row in ledger.history(Evaluation, model, segment) if row.challenger in made]
    answers = (
        Answer(
            version=row.challenger,
            evaluation=row.id,
            verdict=row.verdict,
            sentence=row.sentence,
            gates={gate.gate: gate.verdict for gate in row.gates},
            epoch=epochs.get(row.id),
        )
        for row in judged
    )
    return Asked(request=request.id, at=request.at, state=request.state, outcome=request.outcome, answers=tuple(answers))
