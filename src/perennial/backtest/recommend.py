"""Which policy to recommend: the best of those that are surely better than every simpler one."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.backtest.findings import Recommendation, TriedPolicy
from perennial.backtest.nightly import Floats, Nightly
from perennial.backtest.policies import DAY, Policy, Simplicity
from perennial.core.receipts import Estimate
from perennial.definition.fields import duration_text
from perennial.definition.models import Cost, Definition
from perennial.learning.bootstrap import CERTAINTY, estimate

_FEWEST_BLOCKS = 4


def recommend(definition: Definition, tried: Sequence[TriedPolicy], nightly: Nightly) -> Recommendation | None:
    """Return the recommendation; None where there is nothing to compare.

    A policy is surely better where its gain is above 0 with 96 % certainty, shared by all comparisons that are made of it. Of two
    that are equally simple the one that retrains less often is the simpler one. A policy without a gate is never recommended: no
    definition can ask for it.
    """
    allowed = [one for one in tried if one.policy.gated or one.policy.simplicity is Simplicity.NEVER]
    if not allowed or nightly.block_count < _FEWEST_BLOCKS:
        return None
    ordered = sorted(allowed, key=lambda one: (one.policy.simplicity, one.retrainings))
    sure = [one for number, one in enumerate(ordered) if _beats_all(definition, one, ordered[:number], nightly)]
    chosen = min(sure, key=lambda one: one.loss.value if one.cost is None else one.cost)
    return Recommendation(
        policy=chosen.policy.name,
        sentence=_sentence(definition, chosen, ordered, nightly),
        lines=lines(definition, chosen.policy),
    )


def advantage(definition: Definition, policy: str, other: str, nightly: Nightly) -> Floats:
    """Return by how much *policy* is better than the *other*, by what the definition says it costs, or by the loss."""
    cost = definition.kpi.cost
    if cost is None:
        return nightly.gain(policy, other)
    return nightly.cheaper(policy, other, loss=cost.loss, retraining=cost.retraining)


def _beats_all(definition: Definition, one: TriedPolicy, simpler: Sequence[TriedPolicy], nightly: Nightly) -> bool:
    tail = (1 - CERTAINTY) / max(len(simpler), 1)
    return all(
        _above_zero(estimate(advantage(definition, one.policy.name, other.policy.name, nightly), nightly.block_count, tail=tail))
        for other in simpler
    )


def _above_zero(gain: Estimate) -> bool:
    return gain.low is not None and gain.low > 0


def _sentence(definition: Definition, chosen: TriedPolicy, ordered: Sequence[TriedPolicy], nightly: Nightly) -> str:
    first = ordered[0]
    best = min(ordered, key=lambda one: one.loss.value if one.cost is None else one.cost)
    if chosen is first:
        said = f"Keep the policy {chosen.policy.name}: no other one is surely better than every simpler one"
    else:
        gain = nightly.told(advantage(definition, chosen.policy.name, first.policy.name, nightly))
        said = f"Take {chosen.policy.name}: against {first.policy.name} it saves {_range(gain)} {_unit(definition.kpi.cost)}"
    said += f", with {chosen.retrainings} retrainings"
    if best is chosen:
        return f"{said}."
    more = nightly.told(advantage(definition, best.policy.name, chosen.policy.name, nightly))
    return f"{said}. {best.policy.name} looks better by {_range(more)}, which is inside the noise or no simpler."


def _unit(cost: Cost | None) -> str:
    return "of loss a row" if cost is None else f"{cost.unit} a night"


def _range(gain: Estimate) -> str:
    if gain.low is None or gain.high is None:
        return f"{gain.value:.4g}"
    return f"{gain.value:.4g} ({gain.low:.4g} to {gain.high:.4g})"


def lines(definition: Definition, policy: Policy) -> str:
    """Return what to put into the definition, as YAML."""
    window, rules = policy.window or definition.schedule.window, policy.retraining
    length = f"\n    length: {duration_text(window.length)}" if window.length else ""
    retrain = f'\n  retrain: "{policy.schedule}"' if policy.schedule else ""
    told = rules.model_dump(mode="json", exclude_defaults=True) | {"causes": list(rules.causes)}
    told["cooldown"] = duration_text(max(rules.cooldown, DAY) if policy.simplicity <= Simplicity.PERIODIC else rules.cooldown)
    said = "".join(f"\n  {name}: {_value(value)}" for name, value in told.items())
    return f"schedule:{retrain}\n  window:\n    kind: {window.kind}{length}\nretraining:{said}\n"


def _value(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
