"""A person's answer to an evaluation, asked for in Airflow's user interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.core.receipts import Evaluation, Verdict
from perennial.definition.fields import span_text
from perennial.orchestration.batches import Json, found_in
from perennial.orchestration.links import figure_path, model_link
from perennial.orchestration.telling import tell_of_waiting

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from perennial.definition.models import Definition

APPROVE, REJECT, COMMENT = "Approve", "Reject", "comment"
NOBODY = "airflow"
"""Who answered where nobody did in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, by whom, and why."""

    verdict: Verdict
    actor: str
    comment: str


def approval(definition: Definition) -> BaseOperator:
    """Return the task ``approve``: it waits for a person where the evaluation passed, and lets everything else through.

    A rejection does not skip *publish*, which records it. Of a model with segments it is about the one segment of its batch.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator  # noqa: PLC0415 - only where a person is asked
    from airflow.sdk import Param  # noqa: PLC0415 - the same

    class Approval(ApprovalOperator):
        """Asks only about a challenger that passed."""

        def execute(self, context: Any) -> Any:  # noqa: ANN401 - Airflow's own types
            instance = context["ti"]
            found = next(found_in(instance.xcom_pull(task_ids="evaluate", map_indexes=_place(instance)), "verdict"), None)
            evaluation = Evaluation.model_validate(found) if found else None
            if evaluation is None or evaluation.verdict is not Verdict.PASS:
                return None
            # Not as templates: what stands in them is not the author's alone.
            self.subject, self.body = question(definition, evaluation), reasons(definition, evaluation)
            tell_of_waiting(definition, evaluation)
            return super().execute(context)

        def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:  # noqa: ANN401 - Airflow's own types
            return HITLOperator.execute_complete(self, context, event)

    publish = definition.publish
    return Approval(
        task_id="approve",
        subject="Make the challenger champion?",
        params={COMMENT: Param("", type=["null", "string"], title="Comment", description="Why. It is kept with your answer.")},
        assigned_users=[{"id": person, "name": person} for person in publish.approvers],
        response_timeout=publish.answer_within,
        defaults=(APPROVE if publish.unanswered == "approve" else REJECT) if publish.answer_within else None,
        execution_timeout=None,  # a person may take days
    )


def question(definition: Definition, evaluation: Evaluation) -> str:
    """Return what a person is asked."""
    of_segment = f" of {evaluation.segment}" if definition.segments else ""
    return f"{definition.title}: make {evaluation.challenger} champion{of_segment}?"


def reasons(definition: Definition, evaluation: Evaluation) -> str:
    """Return in Markdown what a person needs in order to answer: what came out, by figure, slice, gate and column, and a link."""
    from perennial.steps.cards import judged  # noqa: PLC0415 - heavy
    from perennial.steps.cards.escape import escaped  # noqa: PLC0415 - the same

    champion, page = evaluation.champion or "no champion yet", model_link(definition, evaluation.segment)
    parts = [
        f"**{escaped(evaluation.sentence)}**",
        f"Compared with {champion}. Its loss, drift and versions are in [Model health]({page}).",
        _picture(definition, evaluation),
        judged.figures(evaluation),
        judged.slices(evaluation),
        judged.gates(evaluation, evaluations=1),
        judged.importance(evaluation),
    ]
    return "\n\n".join(part.strip() for part in parts if part)


def _picture(definition: Definition, evaluation: Evaluation) -> str:
    """Return the plot of the figure that decides. Airflow draws pictures that have an address, and none that stand in the text."""
    name = definition.evaluation.figure(definition.evaluation.metric)
    if name not in evaluation.metrics.get("challenger", {}):
        return ""
    path = figure_path(definition, evaluation.segment, evaluation.challenger)
    return f"![{name} of this version, the champion and the baseline, with 95 % intervals]({path})"


def answer_of(definition: Definition, answered: Json) -> Answer:
    """Return what a person said, or what it counts as that nobody did in time.

    Args:
        definition: The model.
        answered: What the task ``approve`` handed on.
    """
    verdict = Verdict.PASS if APPROVE in answered["chosen_options"] else Verdict.FAIL
    person, within = answered.get("responded_by_user"), definition.publish.answer_within
    if not person:
        return Answer(verdict, NOBODY, f"nobody answered within {span_text(within)}" if within else "nobody answered")
    said = str((answered.get("params_input") or {}).get(COMMENT) or "").strip()
    return Answer(verdict, str(person.get("name") or person.get("id") or "somebody"), said or "in Airflow")


def _place(instance: Any) -> int | None:  # noqa: ANN401 - Airflow's own type
    """Return which task of its mapped group *instance* is; None where it is in none."""
    return instance.map_index if instance.map_index is not None and instance.map_index >= 0 else None
