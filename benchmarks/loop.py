"""The loop: a whole retraining and a whole night, each script as one process from its start to its end, imports and all.

Every script reads the window and the night from PostgreSQL, checks both against the 40 expectations, fits the same trees on the
same rows, scores a holdout, predicts the night, writes the predictions, and says how far each column moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import data
import psycopg
from data import World
from measure import NOT_COUNTED, Clock, Goal, Stage, Variant

UNTIL = data.NIGHT - timedelta(days=5)
"""The rows up to here are fitted on; the four days after them are the holdout, the last day's labels are not in yet."""

HOLDOUT_END = data.NIGHT - timedelta(days=1)
TABLE = "CREATE TABLE {} (entity text, event_at timestamptz, prediction double precision)"
BINS = 10


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Our two flows, step after step; what is heavy is imported when the stores are open, as the command does."""
    import product

    from perennial.core.receipts import Measurement
    from perennial.steps.jobs import FIT

    definition = product.definition(world)
    with started(world, clock) as stores:
        stores.workshop.prepare(FIT)
        from perennial.steps.loop import retrain, score

        published = retrain(definition, product.WINDOW, stores, reason="benchmark", actor="benchmark")
        score(definition, product.NIGHT, stores, as_of=product.NIGHT.end)
        with clock(NOT_COUNTED):
            measured = stores.ledger.history(Measurement, "bench")[-1]
            batch = stores.ledger.predictions("bench", within=product.NIGHT)
            rows = batch.num_rows if hasattr(batch, "num_rows") else sum(part.num_rows for part in batch)
    columns = sum(column.column in data.FEATURES for column in measured.drift)  # beside predictions and labels
    return {"columns": columns, "champions": float(published.promoted), "predicted": rows}


@contextmanager
def started(world: World, clock: Clock) -> Iterator[Any]:
    """Lend stores with an empty ledger; making and removing them is not counted."""
    import product

    with clock(NOT_COUNTED):
        run = product.new_run(world, product.EMPTY)
    with product.opened(world, run) as stores:
        yield stores
    with clock(NOT_COUNTED):
        product.remove_run(world, run)


def with_scipy(world: World, clock: Clock) -> Mapping[str, float]:
    """The straightforward script, with a loop of scipy's tests over the columns for the drift."""
    return _straightforward(world, clock, _drift_by_scipy)


def with_evidently(world: World, clock: Clock) -> Mapping[str, float]:
    """The same with Evidently's data drift preset instead."""
    import evidently  # noqa: F401 - where it is missing, that is told before anything is done

    return _straightforward(world, clock, _drift_by_evidently)


def _straightforward(world: World, clock: Clock, drift: Callable[[Any, Any], int]) -> Mapping[str, float]:
    import pandas as pd
    import sqlalchemy as sa
    from predict import fit_bare
    from sklearn.metrics import log_loss

    features = list(data.FEATURES)
    with _table(world, clock) as table, data.engine(world.url()) as engine:
        frames = [
            pd.read_sql(sa.text(_statement(begin, end)), engine)
            for begin, end in ((data.BEGIN, data.NIGHT), (data.NIGHT, data.END))
        ]
        window, night = (frame.drop(index=_refused_by_gx(frame)) for frame in frames)
        fitted = window[window[data.EVENT] < UNTIL]
        encoder, model = fit_bare(fitted[features], fitted[data.LABEL], world.trees)
        holdout = window[(window[data.EVENT] >= UNTIL) & (window[data.EVENT] < HOLDOUT_END)]
        loss = log_loss(holdout[data.LABEL], model.predict_proba(encoder.transform(holdout[features]))[:, 1])
        chances = model.predict_proba(encoder.transform(night[features]))[:, 1]
        out = pd.DataFrame({"entity": night[data.ENTITY], "event_at": night[data.EVENT], "prediction": chances})
        out.to_sql(table, engine, if_exists="append", index=False)
        moved = drift(fitted[features], night[features])
    return {"columns": moved, "champions": float(loss < 1), "predicted": len(out)}


def _refused_by_gx(frame: Any) -> list[int]:  # noqa: ANN401 - pandas may not be imported here
    import great_expectations as gx
    from validate import COMPLETE, suite_of

    context = gx.get_context(mode="ephemeral")
    whole = context.data_sources.add_pandas("bench").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    result = whole.get_batch({"dataframe": frame}).validate(suite_of(), result_format=COMPLETE)
    return sorted({row for one in result.results for row in one.result.get("unexpected_index_list") or ()})


def _drift_by_scipy(reference: Any, night: Any) -> int:  # noqa: ANN401 - pandas may not be imported here
    import pandas as pd
    from scipy import stats

    tested = [stats.ks_2samp(reference[name].dropna(), night[name].dropna()).pvalue for name in data.NUMERIC]
    for name in data.CATEGORICAL:
        counts = pd.concat([reference[name].value_counts(), night[name].value_counts()], axis=1).fillna(0)
        tested.append(stats.chi2_contingency(counts.T).pvalue)
    return len(tested)


def _drift_by_evidently(reference: Any, night: Any) -> int:  # noqa: ANN401 - pandas may not be imported here
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    columns = DataDefinition(numerical_columns=list(data.NUMERIC), categorical_columns=list(data.CATEGORICAL))
    old, new = (Dataset.from_pandas(frame, data_definition=columns) for frame in (reference, night))
    result = Report([DataDriftPreset()]).run(new, old).dict()
    return sum("ValueDrift" in str(metric.get("metric_name", metric.get("metric_id"))) for metric in result["metrics"])


def bare(world: World, clock: Clock) -> Mapping[str, float]:
    """The best bare script: ADBC into Arrow, a pyarrow kernel per expectation, binary COPY from NumPy, the index by NumPy."""
    import numpy as np
    from adbc_driver_postgresql import dbapi
    from predict import fit_bare
    from sklearn.metrics import log_loss
    from validate import refused_by_arrow

    features = list(data.FEATURES)
    with _table(world, clock) as table:
        with dbapi.connect(world.url(driver="postgresql")) as connection, connection.cursor() as cursor:
            frames = []
            for begin, end in ((data.BEGIN, data.NIGHT), (data.NIGHT, data.END)):
                cursor.execute(_statement(begin, end))
                rows = cursor.fetch_arrow_table()
                frames.append(rows.filter(~refused_by_arrow(rows)))
        window, night = frames
        at = window.column(data.EVENT).to_numpy()
        until, end = (np.datetime64(moment.replace(tzinfo=None), "us") for moment in (UNTIL, HOLDOUT_END))
        fitted, holdout = window.filter(at < until), window.filter((at >= until) & (at < end))
        encoder, model = fit_bare(fitted.select(features).to_pandas(), fitted.column(data.LABEL).to_numpy(), world.trees)
        scored = model.predict_proba(encoder.transform(holdout.select(features).to_pandas()))[:, 1]
        loss = log_loss(holdout.column(data.LABEL).to_numpy(), scored)
        chances = model.predict_proba(encoder.transform(night.select(features).to_pandas()))[:, 1]
        entities = np.asarray(night.column(data.ENTITY).to_numpy(), dtype="S15")
        out = {"entity": entities, "event_at": night.column(data.EVENT).to_numpy(), "prediction": chances}
        statement = f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()
        with psycopg.connect(world.url(driver="postgresql")) as connection, connection.cursor().copy(statement) as copy:
            copy.write(data.MAGIC + data.encode(out) + data.TRAILER)
        moved = [_psi(fitted.column(name), night.column(name)) for name in features]
    return {"columns": len(moved), "champions": float(loss < 1), "predicted": night.num_rows}


def _psi(reference: Any, night: Any) -> float:  # noqa: ANN401 - pyarrow has no types
    """Return the population stability index over deciles, or over categories, each count plus a half."""
    import numpy as np

    if str(reference.type) == "double":
        old, new = reference.drop_null().to_numpy(), night.drop_null().to_numpy()
        edges = np.quantile(old, np.linspace(0, 1, BINS + 1)[1:-1])
        counts = [np.bincount(np.searchsorted(edges, column), minlength=BINS) for column in (old, new)]
    else:
        both = [{pair["values"]: pair["counts"] for pair in column.value_counts().to_pylist()} for column in (reference, night)]
        names = sorted({*both[0], *both[1]})
        counts = [np.array([column.get(name, 0) for name in names]) for column in both]
    p, q = ((column + 0.5) / (column + 0.5).sum() for column in counts)
    return float(((p - q) * np.log(p / q)).sum())


def _statement(begin: Any, end: Any) -> str:  # noqa: ANN401 - moments
    columns = ", ".join((*data.COLUMNS, data.LABEL))
    return f"SELECT {columns} FROM night WHERE {data.EVENT} >= '{begin.isoformat()}' AND {data.EVENT} < '{end.isoformat()}'"


@contextmanager
def _table(world: World, clock: Clock) -> Iterator[str]:
    name = "published"
    with clock(NOT_COUNTED), psycopg.connect(world.url(driver="postgresql"), autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
        connection.execute(TABLE.format(name).encode())
    yield name
    with clock(NOT_COUNTED), psycopg.connect(world.url(driver="postgresql"), autocommit=True) as connection:
        connection.execute(f"DROP TABLE {name}".encode())


def prepare(world: World) -> None:
    """Make the empty ledger that our own runs start from."""
    import product

    product.prepare(world)


STAGE = Stage(
    name="loop",
    title="a whole retraining and night, window {window} rows, night {rows} rows",
    rows=200_000,
    variants={
        "perennial": Variant(title="Perennial", function=perennial, venv="", whole=True),
        "with_scipy": Variant(title="the straightforward script, drift by a scipy loop", function=with_scipy, whole=True),
        "with_evidently": Variant(
            title="the straightforward script, drift by Evidently",
            function=with_evidently,
            venv="bench-evidently",
            whole=True,
            remark="on pandas 2, as it cannot be imported beside pandas 3",
        ),
        "bare": Variant(title="the best bare script", function=bare, whole=True),
    },
    goals=(
        Goal(peers=("with_scipy",), faster=2),
        Goal(peers=("with_evidently",), faster=4),
        Goal(peers=("bare",), within=1.25),
    ),
    prepare=prepare,
    left_out="The scripts keep no snapshot, no digest, no model file, no baseline, no confidence interval, no lineage and no "
    "verdict; their table has no key.",
)
