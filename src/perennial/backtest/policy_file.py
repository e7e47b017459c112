"""Policies out of a YAML file: a list, each with a name and what differs from the definition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from perennial.backtest.policies import Policy, full, simplicity
from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, Fault
from perennial.definition.fields import Cron, Part, Text
from perennial.definition.models import Definition, Retraining, Window
from perennial.definition.yaml_nodes import read_document


class _Given(Part):
    """One policy as it stands in a file; what is left out is as in the definition."""

    name: Text
    schedule: Cron | Literal["none"] | None = None
    window: Window | None = None
    retraining: Retraining | None = None
    gated: bool = True

    def over(self, definition: Definition) -> Policy:
        """Return the policy beside the definition's own."""
        own = full(definition, gated=self.gated)
        schedule = None if self.schedule == "none" else self.schedule or own.schedule
        rules = self.retraining or own.retraining
        return own.model_copy(
            update={
                "name": self.name,
                "schedule": schedule,
                "window": self.window,
                "retraining": rules,
                "simplicity": simplicity(schedule, rules),
            }
        )


_GIVEN = TypeAdapter(Annotated[list[_Given], Field(min_length=1, max_length=100)])


def read_policies(path: Path, definition: Definition) -> list[Policy]:
    """Return the policies of a file: under ``policies``, each with a name and what differs from the definition.

    Raises:
        DefinitionError: Everything that is wrong with the file.
    """
    value: Any = read_document(path).value
    try:
        given = _GIVEN.validate_python(value.get("policies") if isinstance(value, dict) else None)
    except ValidationError as error:
        raise DefinitionError.of([_fault(path, one["loc"], one["msg"]) for one in error.errors(include_input=False)]) from error
    names = [one.name for one in given]
    if len({*names}) < len(names):
        raise DefinitionError(
            Code.DEFINITION_DUPLICATE_NAME, "must have a name for each policy that no other one has", where=str(path)
        )
    return [one.over(definition) for one in given]


def _fault(path: Path, place: tuple[int | str, ...], message: str) -> Fault:
    where = ".".join(map(str, ("policies", *place)))
    return Fault(Code.DEFINITION_RANGE, f"{where}: {message}", str(path))
