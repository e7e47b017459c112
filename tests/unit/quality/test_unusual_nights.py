"""Volume, gaps and copies: the figures of one night beside those of usual ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from perennial.core.errors import ArtifactError
from perennial.quality.copies import HELD, Copies
from perennial.quality.night_figures import Night, NightFigures, watched
from perennial.quality.scan import Batch
from perennial.quality.thinned import Thinned
from perennial.quality.usual import Usual, usual
from perennial.quality.volume import volume

HOUR, DAY = 3_600_000_000, 86_400_000_000
WEEKDAYS = np.arange(56) % 7


def night(at_hours: list[float], temperature: list[float | None]) -> pa.RecordBatch:
    """Return the rows of a night that begins at 0."""
    at = pa.array([int(hour * HOUR) for hour in at_hours], pa.timestamp("us", "UTC"))
    return pa.record_batch({"event_at": at, "temperature": pa.array(temperature, pa.float64())})


def figures(*batches: pa.RecordBatch) -> Night:
    """Return the figures of a night that comes in batches."""
    seen = NightFigures(watched("event_at", (), ("temperature",), ["event_at", "temperature"]), 0, DAY)
    for rows in batches:
        seen.see(Batch(0, rows))
    return seen.night


def said(rows: int, counts: npt.NDArray[np.int64], *, years: float = 0.0) -> str | None:
    """Return what is said of the rows of a Monday."""
    finding = volume(rows, counts, WEEKDAYS, 0, level=1 / 365, years=years)
    return finding.sentence if finding else None


def test_gaps_are_measured_in_hours() -> None:
    """From the night's start, between rows, and to its end; of a column also where rows have no value."""
    found = figures(night([3.0, 4.0, 9.5, 20.0], [1.0, None, 2.0, None]))
    assert (found.hole, found.tail) == (10.5, 4.0)
    assert found.gaps == {"temperature": 14.5}


def test_a_night_in_batches_is_the_same_night() -> None:
    """Gaps reach from one batch into the next."""
    rows = night([0.0, 1.0, 9.0, 10.0, 11.0], [1.0, None, None, 4.0, 5.0])
    whole, parts = figures(rows), figures(rows.slice(0, 2), rows.slice(2, 0), rows.slice(2))
    assert (whole.rows, whole.tail, whole.hole, whole.gaps) == (parts.rows, parts.tail, parts.hole, parts.gaps)
    assert whole.numbers["temperature"].values.tolist() == parts.numbers["temperature"].values.tolist() == [1.0, 4.0, 5.0]


def test_infinite_numbers_are_left_out() -> None:
    """They have neither an end nor a quantile."""
    found = figures(night([1.0, 2.0, 3.0], [np.inf, 7.0, None])).numbers["temperature"]
    assert (found.low, found.high, found.quantiles.tolist()) == (7.0, 7.0, [7.0] * 5)


def test_a_weekday_is_held_against_its_like() -> None:
    """On Mondays there is a tenth of the rows, and that is usual; on any other day it is not."""
    counts = np.where(WEEKDAYS == 0, 100, 1_000)
    assert said(100, counts) is None
    assert said(1_000, counts) == "too many rows: 1000, usual for such a night are about 100"


@pytest.mark.parametrize("rows", [34, 67, 150, 299])
def test_counts_that_scatter_widely_are_no_fault(rows: int) -> None:
    """Nights had from 50 to 200 rows."""
    rng = np.random.default_rng(1)
    assert said(rows, np.exp(rng.uniform(np.log(50), np.log(200), 56)).astype(np.int64)) is None


def test_a_few_rows_scatter_by_chance() -> None:
    """Of ten rows a night, three are no fault, and none are one."""
    counts = np.random.default_rng(2).poisson(10, 56)
    assert said(3, counts) is None
    assert said(0, counts) == "too few rows: 0, usual for such a night are about 9"


def test_growth_since_the_last_usual_night_is_no_fault() -> None:
    """Twice as many after a year; twice as many the next night are one."""
    counts = np.full(56, 1_000)
    assert said(2_000, counts, years=1.0) is None
    assert said(2_000, counts) == "too many rows: 2000, usual for such a night are about 1000"


def test_what_is_usual_comes_back_from_its_file() -> None:
    """Equal figures make equal bytes."""
    nights = [(DAY * number, figures(night([1.0, 2.0], [float(number), None]))) for number in range(20)]
    made = usual(nights, ("temperature",))
    read = Usual.from_parquet(made.to_parquet())
    assert read.to_parquet() == made.to_parquet()
    assert read.starts_us.tolist() == [DAY * number for number in range(20)]
    numbers = read.numbers("temperature")
    assert numbers is not None
    assert numbers.low.tolist() == [float(number) for number in range(20)]


def test_a_column_without_numbers_on_most_nights_has_no_usual_ones() -> None:
    """Thirteen nights say nothing."""
    values: list[float | None] = [1.0] * 13 + [None] * 7
    nights = [(DAY * number, figures(night([1.0], [value]))) for number, value in enumerate(values)]
    assert usual(nights, ("temperature",)).numbers("temperature") is None


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_another_file_is_not_what_is_usual(content: bytes) -> None:
    """It is refused with its code."""
    with pytest.raises(ArtifactError) as caught:
        Usual.from_parquet(content)
    assert str(caught.value) == "usual: must be a Parquet file of usual nights [ARTIFACT_FORMAT]"


@pytest.mark.parametrize(("rows", "copied"), [(1_000, 0), (1_000, 400), (4 * HELD, 0), (4 * HELD, HELD)])
def test_copies_are_counted(rows: int, copied: int) -> None:
    """Exactly where they are few, within a hundredth where a share of them is looked at."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    a[:copied], b[:copied] = a[rows - copied :], b[rows - copied :]
    seen = Copies(["a", "b"])
    for rows_of in pa.table({"a": a, "b": b}).to_batches(max_chunksize=30_000):
        seen.see(Batch(0, rows_of))
    assert seen.share == pytest.approx(copied / rows, abs=0.01 if rows > HELD else 1e-12)


def test_many_rows_that_are_all_alike_are_copies() -> None:
    """A feed that is frozen for a whole large night."""
    rows = pa.record_batch({"a": np.zeros(3 * HELD), "b": np.ones(3 * HELD)})
    seen = Copies(["a", "b"])
    seen.see(Batch(0, rows))
    assert seen.share == pytest.approx(1.0, abs=1e-4)


def test_one_column_alone_says_nothing_about_copies() -> None:
    """Values repeat, rows do not."""
    seen = Copies(["a"])
    seen.see(Batch(0, pa.record_batch({"a": [1.0, 1.0]})))
    assert seen.share is None


@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
def test_a_sample_is_evenly_spaced(size: int) -> None:
    """Whatever pieces the values come in."""
    thinned, values = Thinned(100), np.arange(1_000.0)
    for start in range(0, 1_000, size):
        thinned.add(values[start : start + size])
    held = thinned.values
    assert 100 <= len(held) <= 200
    assert set(np.diff(held).tolist()) == {8.0}
