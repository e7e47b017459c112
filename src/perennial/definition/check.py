"""What ``perennial check`` says about definitions: all that the loader says, and whether estimators and notifiers can be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DefinitionError, PerennialError
from perennial.definition.document import Document, Finding
from perennial.definition.loader import read_definition, read_folder
from perennial.definition.models import Definition
from perennial.definition.notifiers import missing_notifiers, wrong_templates

_ESTIMATOR = ("estimator", "path")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: the definitions without a fault, and one error per file with faults."""

    definitions: tuple[Definition, ...]
    errors: tuple[DefinitionError, ...]

    @property
    def ok(self) -> bool:
        """Whether there are definitions, and none has a fault. Nothing at all is never a pass."""
        return bool(self.definitions) and not self.errors


def check(path: Path, *, deep: bool = True, dags: Path | None = None) -> Checked:
    """Check the definition in *path*, or every definition in it.

    Args:
        path: A definition's file, or a folder of ``<name>.yml``.
        deep: Also import every estimator and call it, once per path, parameters and features, and import every notifier.
        dags: The folder of DAG files, in which notifiers may lie.
    """
    definitions, errors = [], []
    seen: dict[str, PerennialError | None] = {}
    for result in _read(path):
        if isinstance(result, DefinitionError):
            errors.append(result)
            continue
        definition, document = result
        findings = [*(_of_code(definition, seen, dags) if deep else ()), *wrong_templates(definition)]
        if findings:
            errors.append(DefinitionError.of([document.fault(finding) for finding in findings]))
        else:
            definitions.append(definition)
    if not definitions and not errors:
        errors.append(DefinitionError(Code.DEFINITION_MISSING, "must hold a definition, <name>.yml", where=str(path)))
    return Checked(tuple(definitions), tuple(errors))


def _read(path: Path) -> Iterator[tuple[Definition, Document] | DefinitionError]:
    if not path.is_file():
        yield from read_folder(path)
        return
    try:
        yield read_definition(path)
    except DefinitionError as error:
        yield error


def _of_code(definition: Definition, seen: dict[str, PerennialError | None], dags: Path | None) -> Iterator[Finding]:
    """Yield what is wrong with the code that a definition names."""
    key = digest_json(definition.model_dump(mode="json", include={"estimator": True, "features": True}))
    if key not in seen:
        seen[key] = _tried(definition)
    error = seen[key]
    yield from (Finding(_ESTIMATOR, fault.code, fault.message) for fault in (error.faults if error else ()))
    yield from missing_notifiers(definition, deep=True, dags=dags)


def _tried(definition: Definition) -> PerennialError | None:
    """Return why the estimator cannot be made, or None. Imports the author's module, pandas and scikit-learn."""
    from perennial.learning.features import Columns  # noqa: PLC0415 - heavy, and only a deep check needs it
    from perennial.learning.load_estimator import load_estimator  # noqa: PLC0415 - the same

    features, estimator = definition.features, definition.estimator
    columns = Columns(
        numeric=features.numeric,
        categorical=features.categorical,
        time=features.time,
        event_at=definition.source.event_at,
        timezone=definition.schedule.timezone,
    )
    try:
        load_estimator(
            estimator.path, columns=columns, seed=estimator.seed, parameters=estimator.parameters, task=estimator.task.value
        )
    except PerennialError as error:
        return error
    return None
