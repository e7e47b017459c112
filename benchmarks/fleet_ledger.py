"""A ledger of many models and nights, made by statements, for how fast pages are."""

from __future__ import annotations

import json
from pathlib import Path

from ledger_filling import fill_by

_STATEMENTS = Path(__file__).with_suffix(".sql")
_SENTENCE = (
    "decay: mean absolute error 64.2 over the last 4 nights, 1.32 times the evaluated 48.7 with 75 % tolerated; evidence 1.87 of "
    "812 needed; labels for 94.8 % of the predictions of 4 nights; baseline: 4 of 7 nights are known for both; drift: none of 10 "
    "columns moved; nearest: column_3 PSI 2.48 nats, 5.72 allowed; held against 8 Saturdays"
)
_SIGNALS = {
    "decay": "decay", "baseline": "baseline", "estimated loss": "estimate", "drift": "drift", "prediction drift": "drift",
    "label drift": "drift", "all columns together": "drift",
}  # fmt: skip
"""The kind of each signal of a night."""


def fill(url: str, *, models: int, nights: int) -> None:
    """Fill the empty ledger behind *url*, a libpq address, with *models* of *nights* nights each."""
    shown = {name: json.dumps(made) for name, made in _made().items()}
    fill_by(_STATEMENTS, url, finish=("ANALYZE",), models=models, nights=nights, sentence=_SENTENCE, **shown)


def _made() -> dict[str, object]:
    """Return what stands as JSON in a row, in the shapes of real ones."""
    signal = {"state": "quiet", "value": 1.25, "threshold": 5.5, "n": 24, "unit": "rows", "since": None, "labelled": None}
    finding = {"expectation": "expect_column_values_to_be_between", "success": True, "rows": 24, "unexpected": 0}
    figures = {name: {"value": 48.7, "low": 32.4, "high": 65.1} for name in ("mae", "rmse", "r2", "bias")}
    return {
        "signals": [
            {**signal, "name": name, "kind": kind, "sentence": _SENTENCE[: 60 + 40 * place]}
            for place, (name, kind) in enumerate(_SIGNALS.items())
        ],
        "findings": [{**finding, "column": f"column_{place}", "sentence": "All rows are inside."} for place in range(10)],
        "metrics": dict.fromkeys(("challenger", "champion", "baseline"), figures),
        "gates": [
            {"gate": gate, "verdict": "pass", "sentence": _SENTENCE[:200]} for gate in ("baseline", "champion", "infrastructure")
        ],
    }
