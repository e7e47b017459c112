"""Random numbers as a column, and what the gate says of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.receipts import GateResult, Importance, Verdict
from perennial.learning.features import Columns, feature_frame
from perennial.learning.noise import noise_gate, noise_name, noisy_columns, noisy_rows


def _importance(**means: float) -> dict[str, Importance]:
    return {name: Importance(mean=mean, low=mean - 0.5, high=mean + 0.5) for name, mean in means.items()}


@pytest.mark.parametrize(("taken", "name"), [(set[str](), "noise"), ({"noise"}, "noise_"), ({"noise", "noise_"}, "noise__")])
def test_the_column_has_a_name_of_its_own(taken: set[str], name: str) -> None:
    """A source may have a column of noise."""
    assert noise_name(taken) == name


def test_the_column_is_the_last_one_of_numbers(rows: pa.Table, columns: Columns) -> None:
    """An estimator's function finds it among its columns, and the frame has it there."""
    wider = noisy_columns(columns, "noise")
    frame = feature_frame(noisy_rows(rows, "noise", seed=0, draw=0), wider)
    assert list(frame.columns) == ["temperature", "noise", "sky", "wet", "hour", "weekday", "elapsed_days"]
    assert wider.features == tuple(frame.columns)
    assert frame["noise"].std() == pytest.approx(1, abs=0.15)


def test_other_rows_get_other_numbers(rows: pa.Table) -> None:
    """A model that learnt the numbers by heart must not meet them again."""
    first, again, other = (noisy_rows(rows, "noise", seed=4, draw=draw).column("noise").to_numpy() for draw in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.2


def test_random_numbers_behind_enough_columns_pass() -> None:
    """The sentence names their rank and importance, and what is better."""
    found = noise_gate(_importance(hour=9.0, wet=2.0, month=-0.1, noise=0.25), "noise", among=2, unit="rides")
    assert found == GateResult(
        gate="noise",
        verdict=Verdict.PASS,
        sentence=(
            "A column of random numbers has an importance of 0.25 rides (-0.25 to 0.75 over 5 shuffles); clearly above that: hour, "
            "wet. So it is number 3 of 4 columns; asked for: not among the best 2: passed."
        ),
    )


def test_random_numbers_among_the_best_fail() -> None:
    """Only one column is better, and two were asked for."""
    found = noise_gate(_importance(hour=9.0, wet=0.2, month=-0.1, noise=0.25), "noise", among=2)
    assert found == GateResult(
        gate="noise",
        verdict=Verdict.FAIL,
        sentence=(
            "A column of random numbers has an importance of 0.25 (-0.25 to 0.75 over 5 shuffles); clearly above that: hour. "
            "So it is number 2 of 4 columns; asked for: not among the best 2: failed."
        ),
    )


def test_a_column_that_is_only_sometimes_better_does_not_count() -> None:
    """Its least growth must be above the greatest of the random numbers'."""
    assert noise_gate(_importance(wet=1.26, noise=0.25), "noise", among=1).verdict is Verdict.PASS
    assert noise_gate(_importance(wet=1.25, noise=0.25), "noise", among=1).verdict is Verdict.FAIL


def test_a_column_that_tells_nothing_is_no_better_than_random_numbers() -> None:
    """Chance puts the random numbers below 0 every other time; a column without any use must not gain by it."""
    useless = {**_importance(noise=-2.0), "wet": Importance(mean=0.0, low=0.0, high=0.0)}
    found = noise_gate(useless, "noise", among=1)
    assert found.verdict is Verdict.FAIL
    assert "; clearly above that: no column. So it is number 1 of 2 columns; " in found.sentence


def test_of_many_better_columns_some_are_named() -> None:
    """The sentence stays short."""
    found = noise_gate(_importance(**{f"x{number}": 9.0 for number in range(7)}, noise=0.0), "noise", among=7)
    assert "; clearly above that: x0, x1, x2, x3, x4 and 2 more. So it is number 8 of 8 columns; " in found.sentence


def test_without_a_figure_nothing_can_be_told() -> None:
    """An error, and never a pass."""
    found = noise_gate(_importance(hour=9.0), "noise", among=1)
    sentence = "The importance of a column of random numbers is undefined: cannot be told."
    assert found == GateResult(gate="noise", verdict=Verdict.ERROR, sentence=sentence)
