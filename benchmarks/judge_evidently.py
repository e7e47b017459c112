"""What Evidently's DataDriftPreset says of the rows that are handed over; runs in Evidently's own environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """Print the alarms and the values of each setting as one line of JSON."""
    folder, asked = Path(sys.argv[1]), json.loads(sys.argv[2])
    print(json.dumps({key: _said(folder, key, setting) for key, setting in asked.items()}))


def _said(folder: Path, key: str, setting: dict[str, Any]) -> dict[str, list[Any]]:
    old, new = (pd.read_parquet(folder / f"{key}.{which}.parquet") for which in ("reference", "night"))
    columns = list(old.columns)
    numeric, categorical = (columns, []) if setting["numeric"] else ([], columns)
    definition = DataDefinition(numerical_columns=numeric, categorical_columns=categorical)
    data = [Dataset.from_pandas(frame, data_definition=definition) for frame in (new, old)]
    found = Report([DataDriftPreset(method=setting["method"] or None)]).run(*data).dict()["metrics"]
    by_column = {one["config"]["column"]: one for one in found if "column" in one["config"]}
    values = [float(by_column[name]["value"]) for name in columns]
    return {"values": values, "alarms": [_alarms(by_column[name]) for name in columns]}


def _alarms(metric: dict[str, Any]) -> bool:
    """Return whether Evidently calls it drift: a p-value below its threshold, or a distance of at least it."""
    value, threshold = float(metric["value"]), float(metric["config"]["threshold"])
    return value < threshold if "p_value" in metric["config"]["method"] else value >= threshold


if __name__ == "__main__":
    main()
