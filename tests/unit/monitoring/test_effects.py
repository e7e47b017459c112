"""The loss by where rows lie, learnt on a holdout and told of a night from its counts alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from perennial.monitoring.counting.edges import CategoricalEdges, NumericEdges
from perennial.monitoring.loss.effects import Effects, Placed, effects, placed
from perennial.monitoring.psi import Counts, Floats

NIGHTS, ROWS = 20, 200
CUTS = tuple(np.linspace(0, 1, 11).tolist())
NUMBERS = NumericEdges(column="x", cuts=CUTS, atoms=())
VALUES = CategoricalEdges(column="city", values=("a", "b"), others=())


def losses_of(x: Floats, city: Floats, rng: np.random.Generator) -> Floats:
    """Return losses with a mean of ``1 + x`` in city a, and 1 more in city b."""
    return (1 + x + city) * rng.exponential(1.0, x.size)


def holdout(seed: int = 1) -> tuple[Floats, Floats, Floats, Counts]:
    """Return a number, a city (0 or 1), losses, and nights."""
    rng = np.random.default_rng(seed)
    x, city = rng.random(NIGHTS * ROWS), (rng.random(NIGHTS * ROWS) < 0.3).astype(np.float64)
    return x, city, losses_of(x, city, rng), np.repeat(np.arange(NIGHTS), ROWS)


def placed_rows(x: Floats, city: Floats) -> dict[str, Placed]:
    """Return where these rows lie."""
    return {"x": placed(NUMBERS, pa.array(x)), "city": placed(VALUES, pa.array(np.array(["a", "b"])[city.astype(int)]))}


def counted(x: Floats, city: Floats) -> dict[str, Counts]:
    """Return the counts of a night over the bins of the test."""
    cities = pa.array(np.array(["a", "b"])[city.astype(int)])
    return {"x": NUMBERS.test_counts(NUMBERS.count(pa.array(x))), "city": VALUES.count(cities)}


@pytest.fixture(scope="module")
def learnt() -> Effects:
    """What is learnt of a holdout."""
    x, city, losses, nights = holdout()
    found = effects(losses, nights, placed_rows(x, city))
    assert found is not None
    return found


def test_rows_are_placed_as_they_are_counted() -> None:
    """Below and above the range, infinite, missing; a value that was never seen."""
    numbers = pa.array([-1.0, 0.05, 0.5, 1.0, 7.0, float("-inf"), float("inf"), None])
    cities = pa.array(["a", "b", "c", None])
    for edges, column in ((NUMBERS, numbers), (VALUES, cities)):
        found = placed(edges, column)
        assert np.bincount(found.bins, minlength=found.count).tolist() == edges.test_counts(edges.count(column)).tolist()


def test_the_loss_of_other_rows_is_foretold_from_their_counts(learnt: Effects) -> None:
    """Half of the rows in city b, and larger numbers: a mean of ``1 + 3/4 + 1/2`` where the holdout had 1.8."""
    rng = np.random.default_rng(2)
    x, city = rng.uniform(0.5, 1, 20_000), (rng.random(20_000) < 0.5).astype(np.float64)
    value, error = learnt.estimate(counted(x, city), x.size, 1.0)
    assert learnt.mean == pytest.approx(1.8, rel=0.05)
    assert value == pytest.approx(2.25, rel=0.06)
    assert abs(value - 2.25) < 3 * error


def test_rows_as_on_the_holdout_lose_what_it_lost(learnt: Effects) -> None:
    """Exactly; and where no column is known any more, too."""
    x, city, losses, _ = holdout()
    value, error = learnt.estimate(counted(x, city), x.size, 1.0)
    assert value == pytest.approx(float(losses.mean()), rel=1e-6)
    assert learnt.estimate({}, x.size, 1.0)[0] == learnt.mean
    assert error == pytest.approx(float(losses.std()) * np.sqrt(2 / losses.size), rel=0.25)


def test_the_interval_holds_what_comes_true(learnt: Effects) -> None:
    """Two standard errors, in at least 85 of 100 nights that lie elsewhere."""
    inside = []
    for seed in range(200):
        rng = np.random.default_rng(1000 + seed)
        x, city = rng.uniform(0.3, 1, ROWS), (rng.random(ROWS) < 0.4).astype(np.float64)
        value, error = learnt.estimate(counted(x, city), ROWS, 1.0)
        inside.append(abs(losses_of(x, city, rng).mean() - value) <= 2 * error)
    assert 0.85 <= np.mean(inside) < 1


def test_columns_that_tell_nothing_are_left_alone() -> None:
    """Losses that go with no column: the estimate hardly moves, wherever rows lie."""
    x, city, _, nights = holdout(3)
    losses = np.random.default_rng(4).exponential(1.0, x.size)
    found = effects(losses, nights, placed_rows(x, city))
    assert found is not None
    value, _ = found.estimate(counted(np.full(50, 0.95), np.ones(50)), 50, 1.0)
    assert value == pytest.approx(found.mean, abs=0.1)


def test_missing_values_are_a_group_of_their_own() -> None:
    """Not the neighbours of the largest numbers: where they lose most, a night that is full of them shows it."""
    rng = np.random.default_rng(5)
    x = np.where(rng.random(NIGHTS * ROWS) < 0.1, np.nan, rng.random(NIGHTS * ROWS))
    losses = np.where(np.isnan(x), 5.0, 1.0) * rng.exponential(1.0, x.size)
    found = effects(losses, np.repeat(np.arange(NIGHTS), ROWS), {"x": placed(NUMBERS, pa.array(x, from_pandas=True))})
    assert found is not None
    missing = np.zeros(NUMBERS.test_counts(np.zeros(NUMBERS.bins, dtype=np.int64)).size, dtype=np.int64)
    missing[-1] = 100
    assert found.estimate({"x": missing}, 100, 1.0)[0] == pytest.approx(5.0, rel=0.15)


def test_three_nights_are_too_few() -> None:
    """Nobody could say how sure it is."""
    x, city, losses, _ = holdout()
    assert effects(losses, np.arange(x.size) % 3, placed_rows(x, city)) is None


def test_of_many_columns_those_that_tell_most_are_taken() -> None:
    """Sixty of noise and the one that matters, last: forty, and it is among them."""
    x, city, losses, nights = holdout(6)
    noise = np.random.default_rng(7).random((60, x.size))
    columns = {f"noise {number}": placed(NUMBERS, pa.array(each)) for number, each in enumerate(noise)}
    found = effects(losses, nights, columns | {"city": placed_rows(x, city)["city"]})
    assert found is not None
    assert (len(found.groups), list(found.groups)[-1]) == (40, "city")


def test_the_record_is_small(learnt: Effects) -> None:
    """Two columns and twenty blocks of nights take less than five kilobytes."""
    assert len(learnt.model_dump_json()) < 5_000
