"""Signals as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.cli.console import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perennial.core.receipts import Signal


def show_signals(signals: Sequence[Signal]) -> None:
    """Print each signal with its figure, its threshold and its sample."""
    columns = ("signal", "state", "value", "threshold", "of", "what was measured")
    table("signals", columns, [(one.name, one.state, one.value, one.threshold, _of(one), one.sentence) for one in signals])


def _of(signal: Signal) -> str:
    return f"{signal.n} {signal.unit.removesuffix('s') if signal.n == 1 else signal.unit}"
