"""How long a task waits for Spark: until its work is done, until somebody ends it, or until it is plain that nothing comes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from perennial.core.errors import UnavailableError
from perennial.stores.spark.engine import SparkEngine

pytestmark = pytest.mark.spark
FILES = Path(__file__).parent / "files"
SOON_S = 20
NO_MACHINE = "spark: has no machine to work on: nothing was begun for 60 s [ENGINE_UNAVAILABLE]"
Asked = Callable[..., Any]


@pytest.fixture
def asked(needs_spark: None, tmp_path: Path) -> Asked:  # noqa: ARG001 - skips
    """Ask a Spark in a process of its own: ``asked("local[2]", 60)`` returns what came of each of two times."""

    def ask(master: str, patience_s: float, times: int = 2, **environment: str) -> Any:
        path = os.pathsep.join([str(FILES), *filter(None, [os.environ.get("PYTHONPATH")])])
        ended = subprocess.run(
            [sys.executable, str(FILES / "odd_asking.py"), master, str(patience_s), str(times)],
            env={**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-4000:]
        return json.loads(ended.stdout)

    return ask


def test_a_task_that_is_ended_ends_its_job(
    spark: SparkEngine, odd: Any, tmp_path: Path, stopped_from_outside: type[BaseException]
) -> None:
    """At once, while a part is worked on for two minutes; and the next job is worked on."""
    spark.map(odd.Doubled(), range(2))  # it has started
    rang: list[float] = []

    def ring() -> None:
        while not (tmp_path / "slow-1").exists():
            time.sleep(0.05)
        rang.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGUSR1)

    ringing = threading.Thread(target=ring, daemon=True)
    ringing.start()
    with pytest.raises(stopped_from_outside):
        spark.map(odd.Slow(str(tmp_path), "0", odd.Doubled()), [0])
    ringing.join()
    assert time.monotonic() - rang[0] < SOON_S
    assert spark._started is not None
    assert spark._started.session.sparkContext.statusTracker().getActiveJobsIds() == []
    assert spark.map(odd.Doubled(), range(2)) == [b"0", b"2"]


@pytest.mark.slow
def test_a_master_without_workers_is_not_waited_for(asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It takes the job, and would keep it for ever."""
    monkeypatch.syspath_prepend(str(FILES))
    cluster = import_module("odd_cluster")
    folder = cluster.configured(tmp_path, {"spark.driver.host": cluster.MASTER})
    with cluster.master(tmp_path) as address:
        (told,) = asked(address, 60, 1, SPARK_LOCAL_IP=cluster.MASTER, SPARK_CONF_DIR=folder)
    assert (told["said"], told["kind"]) == (NO_MACHINE, "UnavailableError")


@pytest.mark.slow
def test_a_master_that_is_none_is_one_clear_error(asked: Asked) -> None:
    """Without Java's own trace, and again when it is tried again."""
    said = "spark: did not start (Py4JJavaError) [ENGINE_UNAVAILABLE]"
    assert [(one["said"], one["kind"], one["java"]) for one in asked("spark://127.0.0.1", 200)] == [
        (said, "UnavailableError", False)
    ] * 2


@pytest.mark.slow
def test_a_master_that_is_away_is_one_clear_error(asked: Asked) -> None:
    """Spark itself asks it for a minute; the half of a session that it leaves is not taken for one the next time."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    said = "spark: did not start (Py4JJavaError) [ENGINE_UNAVAILABLE]"
    assert [(one["said"], one["kind"]) for one in asked(f"spark://127.0.0.1:{port}", 120)] == [(said, "UnavailableError")] * 2


@pytest.mark.slow
def test_a_master_that_does_not_answer_is_not_waited_for(asked: Asked) -> None:
    """For no longer than was said; and the process ends, whatever Spark still waits for."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        told = asked(f"spark://127.0.0.1:{server.getsockname()[1]}", 3)
    assert [one["said"] for one in told] == ["spark: did not start within 3 s [ENGINE_UNAVAILABLE]"] * 2
    assert max(one["seconds"] for one in told) < SOON_S


@pytest.mark.slow
def test_answers_that_are_more_than_the_driver_takes_say_so(asked: Asked, tmp_path: Path) -> None:
    """As ``spark-defaults.conf`` has it."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text("spark.driver.maxResultSize 1\n")
    said = "spark: the answers of 2 parts are larger than spark.driver.maxResultSize [ENGINE_FAILED]"
    told = asked("local[2]", 200, SPARK_CONF_DIR=str(tmp_path / "conf"))
    assert [(one["said"], one["kind"]) for one in told] == [(said, "RejectedError")] * 2


def test_an_engine_of_another_thread_does_not_stop_the_one_that_was_there(spark: SparkEngine, odd: Any) -> None:
    """A process has one session, whoever asks for it."""
    assert spark.map(odd.Doubled(), [1]) == [b"2"]
    other = SparkEngine("local[2]", spark._tools)
    failures: list[BaseException] = []

    def use() -> None:
        try:
            assert other.map(odd.Doubled(), [2]) == [b"4"]
            other.close()
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            failures.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert failures == []
    assert spark.map(odd.Doubled(), [3]) == [b"6"]


def test_a_spark_that_ends_is_started_again_by_the_next_try(odd: Any, spark: SparkEngine, tmp_path: Path) -> None:
    """Whatever ended it: the job that was worked on says so."""
    spark.map(odd.Doubled(), [1])
    assert spark._started is not None
    session = spark._started.session

    def stop() -> None:
        while not (tmp_path / "slow-1").exists():
            time.sleep(0.05)
        session.sparkContext._jsc.stop()

    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    with pytest.raises(UnavailableError) as caught:
        spark.map(odd.Slow(str(tmp_path), "0", odd.Doubled()), [0])
    stopping.join()
    assert str(caught.value) == "spark: ended while it worked on 1 parts [ENGINE_UNAVAILABLE]"
    assert spark.map(odd.Doubled(), [1]) == [b"2"]
