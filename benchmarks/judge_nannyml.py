"""What NannyML's UnivariateDriftCalculator says of the rows that are handed over; runs in NannyML's own environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nannyml
import pandas as pd


def main() -> None:
    """Print the alarms and the values of each setting as one line of JSON."""
    folder, asked = Path(sys.argv[1]), json.loads(sys.argv[2])
    print(json.dumps({key: _said(folder, key, setting) for key, setting in asked.items()}))


def _said(folder: Path, key: str, setting: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what it says of the night, which is one chunk."""
    old, new = (pd.read_parquet(folder / f"{key}.{which}.parquet") for which in ("reference", "night"))
    columns = list(old.columns)
    calculator = nannyml.UnivariateDriftCalculator(column_names=columns, chunk_size=setting["chunk"])
    calculator.fit(old)
    night = calculator.calculate(new).filter(period="analysis").to_df()
    method = "jensen_shannon"
    return {
        "values": [float(night[name][method]["value"].iloc[-1]) for name in columns],
        "alarms": [bool(night[name][method]["alert"].iloc[-1]) for name in columns],
    }


if __name__ == "__main__":
    main()
