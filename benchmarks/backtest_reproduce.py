"""What is known of each set, found again.

Never retraining, and retraining weekly on a sliding and an expanding window, beside the figures of a script that fits on all rows
up to the day. For that, labels come after a minute and one day is held out, or three of the bank, which calls nobody on Sundays; a
window of so many days has as many more for them. No gates. The bank's model does without day and month: so must the script have
done, whose figures nobody finds with them.
"""

from __future__ import annotations

from datetime import timedelta

import sets
from backtest_run import DAY, KNOWN, Asked, Known, found

from perennial.backtest.policies import Policy, never, periodic
from perennial.definition.models import Definition, Window

HEAD = (
    "| set | policy | figure | known | found | apart | retrained |",
    "| --- | --- | --- | ---: | ---: | ---: | ---: |",
)
SETS = ("bike_hourly", "elec2", "bank_marketing", "metro_traffic", "beijing_pm25")


def measure(name: str, asked: Asked) -> list[str]:
    """Return a row for each policy."""
    own, known = sets.definition(name), KNOWN[name]
    tried = list(_tried(own, name))
    told = found(_as_known(own, known), name, asked, [policy for _, policy, _ in tried])
    rows = []
    for (title, _, expected), one in zip(tried, told.policies, strict=True):
        figure = one.figures[known.figure].value
        apart = f"{100 * (figure / expected - 1):+.1f} %"
        rows.append(f"| {name} | {title} | {known.figure} | {expected:g} | {figure:.4g} | {apart} | {one.retrainings} |")
    return rows


def _as_known(own: Definition, known: Known) -> Definition:
    """Return the definition with labels that come at once, a short holdout, and the columns that the script read."""
    features = own.features
    kept = {kind: tuple(c for c in getattr(features, kind) if c not in known.without) for kind in ("numeric", "categorical")}
    return own.model_copy(
        update={
            "label": own.label.model_copy(update={"delay": timedelta(minutes=1)}),
            "evaluation": own.evaluation.model_copy(update={"holdout": known.held * DAY}),
            "features": features.model_copy(update=kept),
        }
    )


def _tried(own: Definition, name: str) -> list[tuple[str, Policy, float]]:
    known, growing = KNOWN[name], Window(kind="expanding")
    found = [("never", never().model_copy(update={"window": growing}), known.never)]
    if known.days is not None:
        window = Window(kind="sliding", length=(known.days + known.held) * DAY)
        found.append((f"weekly, {known.days} days", periodic(own, "weekly", window, gated=False), known.periodic))
    if known.expanding is not None:
        found.append(("weekly, expanding", periodic(own, "weekly", growing, gated=False), known.expanding))
    return found
