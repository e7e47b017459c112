"""What is known of each set, found again.

Never retraining, and retraining weekly on a sliding and an expanding window, beside the figures of a script that fits on all rows
up to the day. For that, labels come after a minute and one day is held out, or three of the bank, which calls nobody on Sundays; a
window of so many days has as many more for them. No gates.
"""

from __future__ import annotations

from datetime import timedelta

import sets
from backtest_run import DAY, KNOWN, Asked, found

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
    told = found(_at_once(own, known.held), name, asked, [policy for _, policy, _ in tried])
    rows = []
    for (title, _, expected), one in zip(tried, told.policies, strict=True):
        figure = one.figures[known.figure].value
        apart = f"{100 * (figure / expected - 1):+.1f} %"
        rows.append(f"| {name} | {title} | {known.figure} | {expected:g} | {figure:.4g} | {apart} | {one.retrainings} |")
    return rows


def _at_once(own: Definition, held: int) -> Definition:
    label = own.label.model_copy(update={"delay": timedelta(minutes=1)})
    return own.model_copy(update={"label": label, "evaluation": own.evaluation.model_copy(update={"holdout": held * DAY})})


def _tried(own: Definition, name: str) -> list[tuple[str, Policy, float]]:
    known, growing = KNOWN[name], Window(kind="expanding")
    found = [("never", never().model_copy(update={"window": growing}), known.never)]
    if known.days is not None:
        window = Window(kind="sliding", length=(known.days + known.held) * DAY)
        found.append((f"weekly, {known.days} days", periodic(own, "weekly", window, gated=False), known.periodic))
    if known.expanding is not None:
        found.append(("weekly, expanding", periodic(own, "weekly", growing, gated=False), known.expanding))
    return found
