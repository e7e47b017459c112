"""What becomes of a night when Spark's processes are lost, tasks run twice, or work fails: the right result, or one clear error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, PerennialError, RejectedError, TerminalError, UnavailableError
from perennial.stores.spark.engine import SparkEngine, _answers
from perennial.stores.spark.executor import ANSWERS
from perennial.wiring import ExecutorTools

Failing = Callable[..., Any]
pytestmark = pytest.mark.spark
NUMBERS = range(5)
DOUBLED = [b"0", b"2", b"4", b"6", b"8"]


@pytest.fixture
def failing(odd: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return what doubles numbers, but for some: ``failing("kill", 2, 3)`` is killed twice at the part 3."""
    return lambda how, times, *parts: odd.Failing(str(tmp_path), how, times, tuple(map(str, parts)), odd.Doubled())


def test_answers_come_in_the_order_of_the_parts(spark: SparkEngine, odd: Any) -> None:
    """One of each, and none for none."""
    assert (spark.map(odd.Doubled(), NUMBERS), spark.map(odd.Doubled(), [])) == (DOUBLED, [])


@pytest.mark.parametrize("how", ["kill", "raise", "unavailable"])
def test_a_part_that_fails_twice_is_tried_a_third_time(spark: SparkEngine, failing: Failing, how: str) -> None:
    """Whether its process was killed or its work broke; others are not in doubt."""
    assert spark.map(failing(how, 2, 1, 3), NUMBERS) == DOUBLED


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("kill", UnavailableError, "spark: part 4 of 5 was lost with its machine or process 3 times [ENGINE_FAILED]"),
        ("raise", TerminalError, "ended with ValueError at odd_pieces.py:LINE [ENGINE_FAILED]"),
        ("unavailable", UnavailableError, "artifacts: did not answer [STORE_UNAVAILABLE]"),
    ],
)
def test_a_part_that_fails_three_times_is_one_clear_error(
    spark: SparkEngine, failing: Failing, tmp_path: Path, how: str, kind: type[PerennialError], said: str
) -> None:
    """It says what happened, and no value of a row."""
    with pytest.raises(PerennialError) as caught:
        spark.map(failing(how, 3, 3), NUMBERS)
    assert (type(caught.value), re.sub(r"\.py:\d+", ".py:LINE", str(caught.value))) == (kind, said)
    assert (caught.value.__cause__, caught.value.__suppress_context__ or caught.value.__context__ is None) == (None, True)
    assert len(list(tmp_path.iterdir())) == 3


def test_an_error_of_ours_that_no_retry_mends_is_told_at_once(spark: SparkEngine, failing: Failing, tmp_path: Path) -> None:
    """It is the same error here, with all its faults; of several parts the first one's."""
    with pytest.raises(DataError) as caught:
        spark.map(failing("faults", 9, 2, 4), NUMBERS)
    assert [fault.code for fault in caught.value.faults] == [Code.SCHEMA_MISSING, Code.SCHEMA_TYPE]
    assert sorted(mark.name for mark in tmp_path.iterdir()) == ["0-1", "1-1"]


def test_an_executor_without_the_key_says_so(spark: SparkEngine, odd: Any, tmp_path: Path) -> None:
    """It makes none of its own, which would fit no model."""
    away = SparkEngine("local[2]", ExecutorTools((("PERENNIAL_HOME", str(tmp_path)), ("PERENNIAL_SIGNING_KEY", ""))))
    spark.map(odd.Doubled(), NUMBERS)
    with pytest.raises(PerennialError) as caught:
        away.map(odd.Doubled(), NUMBERS)
    assert str(caught.value) == "PERENNIAL_SIGNING_KEY: is not set on an executor [SETTING_MISSING]"
    assert list(tmp_path.glob("*.key")) == []
    away.close()
    assert spark.map(odd.Doubled(), NUMBERS) == DOUBLED  # the session was not its own to stop


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("pythonVer", "3.99", "executors have another Python than {0}.{1}"),
        ("pythonExec", "/nowhere/python", "executors cannot start their Python"),
    ],
)
def test_executors_with_another_python_or_none_are_told_apart_from_lost_ones(
    spark: SparkEngine, odd: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """Nothing was lost, and a retry does not help."""
    spark.map(odd.Doubled(), NUMBERS)
    assert spark._started is not None
    monkeypatch.setattr(spark._started.session.sparkContext, name, value)
    with pytest.raises(RejectedError) as caught:
        spark.map(odd.Doubled(), NUMBERS)
    assert str(caught.value) == f"spark: {said.format(*sys.version_info)} [ENGINE_FAILED]"


def test_executors_without_a_module_say_which(
    spark: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The work cannot even be read there. The log names the class of Spark's error, and nothing of its text."""
    (tmp_path / "only_here.py").write_text("def work(part, tools):\n    return b''\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RejectedError) as caught, caplog.at_level("WARNING", "perennial"):
        spark.map(import_module("only_here").work, NUMBERS)
    said = "the executors' Python cannot run the work: ModuleNotFoundError, No module named 'only_here'"
    assert str(caught.value) == f"spark: {said} [ENGINE_FAILED]"
    assert caplog.messages == ["Spark gave up a job: PythonException"]


@pytest.mark.parametrize("numbers", [[0], [0, 0, 1], [0, 2]])
def test_a_part_without_an_answer_is_an_error(numbers: list[int]) -> None:
    """A night without some of its rows would look like a whole one."""
    table = pa.Table.from_pydict(
        {"number": numbers, "answer": [b""] * len(numbers), "error": [None] * len(numbers)}, schema=ANSWERS
    )
    with pytest.raises(UnavailableError) as caught:
        _answers(table, 2)
    assert str(caught.value) == f"spark: answered {len(numbers)} times to 2 parts, which must be once to each [ENGINE_FAILED]"
