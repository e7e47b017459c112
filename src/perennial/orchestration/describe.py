"""What the user interface shows of a definition: the page of its DAGs, their tags, and the form for a run by hand."""

from __future__ import annotations

from airflow.sdk import Param

from perennial.core.receipts import ALL
from perennial.definition.fields import duration_text, span_text
from perennial.definition.models import Definition, Gates, Publish
from perennial.orchestration.assignment import WAITING
from perennial.orchestration.window import SEGMENT

WHOM, NIGHT, WINDOW, KNOWN, WHY = "Which segment", "Which night", "Which window", "What may be known", "Why"
"""The sections of the forms."""
_LONGEST_REASON = 4000


def tags(definition: Definition, flow: str) -> list[str]:
    """Return the tags of one DAG: whose it is, which model, which flow."""
    return ["perennial", definition.name, flow]


def doc(definition: Definition) -> str:
    """Return the page of a definition in Markdown."""
    schedule, window = definition.schedule, definition.schedule.window
    history = f"the last {window.length}" if window.kind == "sliding" else f"everything since {schedule.start}"
    return f"""# {definition.title}

{definition.purpose}

| | |
| --- | --- |
| Owner | {definition.owner} |{_parts(definition)}
| Business figure | {definition.kpi.name}: {definition.kpi.approximation} |
| Scored | `{schedule.score}` ({schedule.timezone}) |
| Retrained | {f"`{schedule.retrain}` and " if schedule.retrain else ""}when a decision or a person asks for it |
| Trained on | {history} |
| Judged by | {definition.evaluation.metric} on the last {definition.evaluation.holdout}, which training does not see |
| Gates | {_gates(definition.evaluation.gates)} |
| Approval | {_approval(definition.publish)} |
| At most one retraining in | {definition.retraining.cooldown} |

Definition `{definition.name}.yml`, digest `{definition.digest[:12]}`.
"""


def _parts(definition: Definition) -> str:
    segments = definition.segments
    return f"\n| Segments | {len(segments.values)}, by `{segments.column}`, with a model each |" if segments else ""


def _approval(publish: Publish) -> str:
    said = [f"by {', '.join(publish.approvers)}" if publish.approvers else ""]
    silence = {"reject": "rejected", "approve": "approved"}[publish.unanswered]
    said.append(f"within {span_text(publish.answer_within)}, else {silence}" if publish.answer_within else "")
    return f"{publish.approval} {', '.join(part for part in said if part)}".strip()


def score_params(definition: Definition) -> dict[str, Param]:
    """Return the form of a scoring run."""
    return {
        **_segment(definition),
        "interval_start": _moment(NIGHT, "Interval start", "The first moment of the night. Empty: the run's own interval."),
        "interval_end": _moment(NIGHT, "Interval end", "The first moment after the night. Given together with its start."),
        "as_of": _moment(KNOWN, "As of", "What became known after this is not used. Empty: the interval's end."),
    }


def retrain_params(definition: Definition) -> dict[str, Param]:
    """Return the form of a retraining run."""
    return {
        **_segment(definition),
        "interval_start": _moment(WINDOW, "Window start", f"The first moment of the training window. Empty: {_usual(definition)}."),
        "interval_end": _moment(WINDOW, "Window end", "The first moment after the training window. Given together with its start."),
        "as_of": _moment(
            KNOWN, "As of", "The cut-off: what became known after this is not used. Empty: the end of the last complete night."
        ),
        "reason": Param(
            "by hand",
            type="string",
            minLength=1,
            maxLength=_LONGEST_REASON,
            title="Reason",
            description="Why, where no request that waits says it. It is kept with the version.",
            section=WHY,
        ),
        "force": Param(
            default=False,
            type="boolean",
            title="Force",
            description=f"Retrain although the cooldown, {duration_text(definition.retraining.cooldown)}, has not passed, the "
            "budget is used up, or another run has the request.",
            section=WHY,
        ),
        "request": Param(
            None,
            type=["null", "string"],
            title="Request",
            description=f"The retrain request to answer, or {WAITING} for whatever waits. Filled in by the scoring DAG.",
            pattern=f"^({WAITING}|[0-9a-f]{{32}})?$",
            section=WHY,
        ),
    }


def _segment(definition: Definition) -> dict[str, Param]:
    if definition.segments is None:
        return {}
    names = [ALL, *definition.segment_names]
    about = "Which segment the run is about. all: every one of them."
    return {SEGMENT: Param(ALL, type="string", enum=names, title="Segment", description=about, section=WHOM)}


def _moment(section: str, title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], format="date-time", title=title, description=description, section=section)


def _usual(definition: Definition) -> str:
    window = definition.schedule.window
    return f"the last {duration_text(window.length)}" if window.length else f"since {definition.schedule.start}"


def _gates(gates: Gates) -> str:
    said = [f"at least {gates.baseline:.0%} better than the baseline"]
    margin = f" within {gates.champion.margin:.0%}" if gates.champion.rule == "non_inferior" else ""
    said.append(f"{gates.champion.rule.replace('_', ' ')} to the champion{margin}")
    if gates.floor is not None:
        said.append(f"error at most {gates.floor.within:g} in {gates.floor.share:.0%} of the rows")
    if gates.calibration is not None:
        said.append(f"calibration error at most {gates.calibration.error:g}")
    if gates.slices is not None:
        said.append(f"no slice more than {gates.slices.margin:.0%} worse")
    if gates.budget is not None:
        said.append("within a budget of time and memory")
    if gates.noise is not None:
        said.append(f"random numbers not among the {gates.noise.among} best columns")
    return ", ".join(said)
