"""The rules across fields of a definition, all of them tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from perennial.definition import answering, judging, leakage, relations, segmenting, timing, watching
from perennial.definition.document import Finding
from perennial.definition.models import Definition

RULES: tuple[Callable[[Definition], Iterator[Finding]], ...] = (
    relations.source,
    relations.label_source,
    relations.source_query,
    relations.label_query,
    relations.same_entity,
    relations.declared,
    relations.label_declared,
    leakage.target,
    leakage.target_slices,
    leakage.times,
    leakage.label_times,
    leakage.twice,
    leakage.lists,
    leakage.some,
    watching.target,
    watching.features,
    watching.twice,
    watching.times,
    segmenting.values,
    segmenting.target,
    segmenting.times,
    segmenting.features,
    segmenting.slices,
    segmenting.watched,
    timing.end,
    timing.window,
    timing.holdout,
    timing.cooldown,
    timing.budget,
    timing.ages,
    timing.latest,
    timing.retention,
    judging.metric,
    judging.report,
    judging.floor,
    judging.quantile,
    judging.calibration,
    judging.slices,
    judging.noise,
    judging.search,
    judging.expectations,
    answering.asked,
    answering.waited,
    answering.promised,
)


def broken(definition: Definition) -> Iterator[Finding]:
    """Yield everything in *definition* that breaks a rule."""
    for rule in RULES:
        yield from rule(definition)


def broken_so_far(definition: Definition) -> Iterator[Finding]:
    """Yield what breaks a rule in a definition of which some fields could not be read.

    A rule that needs such a field says nothing (asking a partial definition for it raises AttributeError).
    """
    for rule in RULES:
        with suppress(AttributeError):
            yield from rule(definition)
