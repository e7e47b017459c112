"""The sections of a card that say what a version is for, and what it was made of."""

from __future__ import annotations

import json

from perennial.core.receipts import ALL, ModelVersion, Snapshot, Validation
from perennial.learning.words import mebibytes, number, percent, seconds
from perennial.steps.cards.escape import escaped
from perennial.steps.cards.layout import at_minute, between, facts, section, table
from perennial.steps.cards.record import Described, Fitted, Learnt, Seen

_CHANGED = "The definition has changed since this version was trained. Here it is told as it was then."
_LOST = (
    "The definition has changed since this version was trained. Title, purpose, owner, business figure, estimator, parameters, "
    "source and label are told as the definition says them now; all else was recorded then."
)


def head(version: ModelVersion, described: Described) -> str:
    """Write what the card is of."""
    segment = f", segment {escaped(version.segment)}" if version.segment != ALL else ""
    lines = [f"# {escaped(described.title)}", f"Model card of version {escaped(version.id)}{segment}."]
    remark = [_CHANGED if described.of_then else _LOST] if described.changed else []
    return "\n\n".join([*lines, *remark])


def purpose(described: Described) -> str:
    """Write what the model is for."""
    rows = [
        ("purpose", described.purpose),
        ("owner", described.owner),
        ("business figure", described.kpi),
        ("approximated by", f"{described.metric}: {described.approximation}"),
    ]
    return section("Purpose", facts(rows))


def model(described: Described, fitted: Fitted, version: ModelVersion) -> str:
    """Write what was fitted, and why."""
    told = {"numbers": fitted.numeric, "categories": fitted.categorical, f"time in {fitted.timezone}": fitted.time}
    rows = [
        ("task", fitted.task),
        ("estimator", described.estimator),
        ("parameters", _json(described.parameters)),
        *([("searched for", _json(described.search))] if described.search else []),
        *((f"features: {kind}", ", ".join(names)) for kind, names in told.items() if names),
        ("seed", str(version.seed)),
        ("the fit took", _took(version)),
        ("trained because", version.reason),
        *([("request", version.request)] if version.request else []),
    ]
    return section("Model", facts(rows))


def data(described: Described, version: ModelVersion, snapshot: Snapshot, validation: Validation) -> str:
    """Write what it was trained on."""
    final = f", final after {described.label_latest}" if described.label_latest else ""
    rows = [
        ("source", f"{described.relation}, connection {described.connection}"),
        ("label", f"{described.label}, known {described.label_delay} after the event{final}"),
        ("window", between(version.interval)),
        ("trained on", f"{_learnt_from(version)}, {between(version.trained_on)}; the rest is held out, or has no label yet"),
        ("known until", at_minute(version.as_of)),
        ("snapshot", f"{snapshot.digest}: {snapshot.rows} rows, {snapshot.label_rows} labels"),
        ("validation", f"{validation.verdict}: {validation.quarantined} of {validation.rows} rows quarantined"),
    ]
    return section("Data", facts(rows))


def refused(validation: Validation) -> str:
    """Write which expectations were not met, and by how many rows, and how many rows had no label; nothing where all is well."""
    unmet = [finding for finding in validation.findings if finding.unexpected or not finding.success]
    rows = [(one.expectation, one.column or "-", str(one.unexpected), one.sentence) for one in unmet]
    return section("What was found in the data", table(("expectation", "column", "rows", "found"), rows)) if rows else ""


def ranges(learnt: Learnt) -> str:
    """Write what the training rows held of each column of the source."""
    rows = [(one.column, _held(one), percent(one.missing / one.rows) if one.rows else "-") for one in learnt.columns]
    return section("What it has seen", table(("column", "values", "missing"), rows)) if rows else ""


def software(fitted: Fitted, version: ModelVersion) -> str:
    """Write what it was fitted with, and under which names it is kept."""
    kept = {
        "definition": version.definition_digest,
        "training run": version.training_run,
        "validation": version.validation,
        "model": version.artifact,
        "baseline": version.baseline,
        "profile": version.profile,
    }
    versions = {**fitted.versions, **fitted.other_versions}
    return section("Software and names", facts([("perennial", version.code_version), *sorted(versions.items()), *kept.items()]))


def _learnt_from(version: ModelVersion) -> str:
    of = f", drawn from {version.drawn_from} by day and seed" if version.drawn_from else ""
    return f"{version.rows} rows{of}"


def _took(version: ModelVersion) -> str:
    if version.fit_seconds is None or version.fit_memory is None:
        return "-"
    return f"{seconds(version.fit_seconds)}, {mebibytes(version.fit_memory)} of memory"


def _held(one: Seen) -> str:
    if one.values is not None:
        return f"{one.values} different values"
    if one.low is None or one.high is None:
        return "none"
    mean = f", mean {number(one.mean)}" if one.mean is not None else ""
    outside = f"; {one.outside} rows outside" if one.outside else ""
    return f"{number(one.low)} to {number(one.high)}{mean}{outside}"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
