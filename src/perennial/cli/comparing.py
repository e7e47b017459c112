"""Two versions side by side, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.cli.console import cell_text, say, table

if TYPE_CHECKING:
    from perennial.core.receipts import Estimate
    from perennial.steps.compare import Comparison


def show_comparison(found: Comparison, version: str, other: str) -> None:
    """Print the figures of both, those on the slices, and what the gates say of *version* as a challenger of *other*."""
    whole = f"{found.rows} rows, {cell_text(found.interval)}"
    table(whole, ("metric", version, other), _rows(found.metrics.get(version, {}), found.metrics.get(other, {}), ""))
    slices = [name.removeprefix(version) for name in found.metrics if name.startswith(f"{version}[")]
    on_slices = [row for name in slices for row in _rows(found.metrics[version + name], found.metrics.get(other + name, {}), name)]
    if on_slices:
        say("")
        table("slices", ("metric", version, other), on_slices)
    say("")
    gates = [(gate.gate, gate.verdict, gate.sentence) for gate in found.gates]
    table(f"gates: {version} as a challenger of {other}", ("gate", "verdict", "why"), gates)


def _rows(one: dict[str, Estimate], two: dict[str, Estimate], name: str) -> list[tuple[str, str, str]]:
    metrics = dict.fromkeys((*one, *two))
    return [(f"{metric}{name}", _estimate(one.get(metric)), _estimate(two.get(metric))) for metric in metrics]


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return cell_text(None)
    if estimate.low is None or estimate.high is None:
        return cell_text(estimate.value)
    return f"{cell_text(estimate.value)} [{cell_text(estimate.low)}, {cell_text(estimate.high)}]"
