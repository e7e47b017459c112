"""Predict: class probabilities of the night by histogram gradient boosting with 100 trees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import data
from data import World
from measure import Clock, Goal, Stage, Variant

CODES = 255


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Our step up to PostgreSQL's door: from the snapshot to the buffers of COPY, and the night's profile.

    The buffers are dropped; what it costs to write them is the stage *publish*.
    """
    import product
    import pyarrow.compute as pc
    from dropping import dropping

    import perennial.learning.codec  # noqa: F401 - it reads models; the step imports it late, which is not to be counted
    from perennial.steps.predict import predict

    with product.started_from(world, product.VALIDATED) as stores:
        snapshot, validation = product.snapshot_of(stores), product.validation_of(stores)
        night, dropped = dropping(stores)
        with clock():
            predict(product.definition(world), product.NIGHT, night, snapshot=snapshot, validation=validation)
        champion = dropped["champion"]
        return {"rows": sum(len(part) for part in champion), "mean": sum(pc.sum(p).as_py() for p in champion) / world.rows}


def bare(world: World, clock: Clock) -> Mapping[str, float]:
    """``predict_proba`` at its best: float64 rows in memory, encoded before the clock starts, in one call, on all cores."""
    return _bare(world, clock, "C", None)


def columns_first(world: World, clock: Clock) -> Mapping[str, float]:
    """The same over columns: the layout that a data frame or Arrow hands over."""
    return _bare(world, clock, "F", None)


def one_thread(world: World, clock: Clock) -> Mapping[str, float]:
    """The same on one core."""
    return _bare(world, clock, "C", 1)


def pipeline(world: World, clock: Clock) -> Mapping[str, float]:
    """The pipeline of the user guide: a pandas frame with categories, an ordinal encoder for those with many, then the trees."""
    import pandas as pd

    model = _load(world, "pipeline")
    frame = pd.read_parquet(_file(world), columns=list(data.FEATURES))
    with clock():
        chances = model.predict_proba(frame)[:, 1]
    return {"rows": len(chances), "mean": float(chances.mean())}


def _bare(world: World, clock: Clock, order: Any, threads: int | None) -> Mapping[str, float]:  # noqa: ANN401 - a literal of numpy
    import numpy as np
    import pandas as pd
    from threadpoolctl import threadpool_limits

    encoder, model = _load(world, "bare")
    matrix = np.array(encoder.transform(pd.read_parquet(_file(world), columns=list(data.FEATURES))), order=order)
    with threadpool_limits(threads), clock():
        chances = model.predict_proba(matrix)[:, 1]
    return {"rows": len(chances), "mean": float(chances.mean())}


def fit_bare(frame: Any, labels: Any, trees: int) -> tuple[Any, Any]:  # noqa: ANN401 - scikit-learn may not be imported here
    """Return an encoder of the categories and the trees behind it."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.preprocessing import OrdinalEncoder

    nan = float("nan")
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=nan, encoded_missing_value=nan, max_categories=CODES)
    parts: list[tuple[str, Any, list[str]]] = [
        ("codes", codes, list(data.CATEGORICAL)),
        ("numbers", "passthrough", list(data.NUMERIC)),
    ]
    encoder = ColumnTransformer(parts)
    categorical = list(range(len(data.CATEGORICAL)))
    model = HistGradientBoostingClassifier(max_iter=trees, categorical_features=categorical, early_stopping=False, random_state=0)
    return encoder, model.fit(encoder.fit_transform(frame), labels)


def _load(world: World, name: str) -> Any:  # noqa: ANN401 - as above
    import joblib

    return joblib.load(world.path / f"{name}.joblib")


def _file(world: World) -> Path:
    return world.path / "night.parquet"


def prepare(world: World) -> None:
    """Fit the peers' model, on the rows that ours was fitted on, and keep it with its encoder."""
    import joblib
    import product
    import validate
    from sklearn.pipeline import Pipeline

    validate.prepare(world)
    path = world.path / "bare.joblib"
    if not path.exists():
        rows = data.chunks(world.window, data.BEGIN, data.NIGHT, categories=world.categories)
        window = data.table_of(rows, (*data.COLUMNS, data.LABEL)).to_pandas()
        fitted = window[window[data.EVENT] < product.trained_until(world)]
        encoder, model = fit_bare(fitted[list(data.FEATURES)], fitted[data.LABEL], world.trees)
        joblib.dump((encoder, model), path)
        joblib.dump(Pipeline([("encoder", encoder), ("model", model)]), world.path / "pipeline.joblib")


STAGE = Stage(
    name="predict",
    title="predict {rows} rows, 100 trees",
    variants={
        "perennial": Variant(title="Perennial, from Parquet", function=perennial, venv="", remark="champion, baseline and profile"),
        "bare": Variant(title="bare predict_proba, rows in memory, all cores", function=bare),
        "columns_first": Variant(title="the same, columns in memory", function=columns_first),
        "one_thread": Variant(title="the same, one core", function=one_thread),
        "pipeline": Variant(title="category pipeline over pandas in memory", function=pipeline),
    },
    goals=(Goal(peers=("bare", "columns_first", "one_thread"), within=1.2),),
    tolerance=0.01,
    prepare=prepare,
    left_out="The peers have their rows in memory before the clock starts (the bare ones encoded as well), publish nothing, "
    "check nothing and count no profile. The means of all predictions agree within 1 %.",
)
