"""What an executor opens for the work: a scratch of its own, without what killed processes left, or one clear error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from perennial.core.errors import PerennialError
from perennial.stores.spark.engine import SparkEngine
from perennial.stores.spark.own_folder import LOCK
from perennial.wiring import ExecutorTools

KEY = "ab" * 32
WORKER = """
import sys
from pathlib import Path
from perennial.core.scratch import temporary_folder
from perennial.wiring import ExecutorTools
tools = ExecutorTools((("PERENNIAL_HOME", sys.argv[1]), ("PERENNIAL_SIGNING_KEY", sys.argv[2])))()
with temporary_folder(tools.scratch) as folder:
    (folder / "part.parquet").write_bytes(b"half of a part")
    print(folder, flush=True)
    sys.stdin.read()
"""
"""A Python of an executor in the middle of its work."""


@contextmanager
def working(home: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Lend a process that works, and the folder in which its part lies."""
    command = [sys.executable, "-c", WORKER, str(home), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def opened(home: Path, **more: str) -> Any:
    """Return what an executor in this process opens."""
    return ExecutorTools(tuple({"PERENNIAL_HOME": str(home), "PERENNIAL_SIGNING_KEY": KEY, **more}.items()))()


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    """However young it is. What belongs to a process that still works stays, and so does what is not of an executor."""
    others = tmp_path / "scratch" / "perennial-scratch-of-a-task"
    others.mkdir(parents=True)
    with ExitStack() as stack:
        killed, left = stack.enter_context(working(tmp_path))
        _, used = stack.enter_context(working(tmp_path))
        assert (left / "part.parquet").exists()
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert left.exists()
        own = opened(tmp_path).scratch
        assert [path.exists() for path in (left, left.parent, used / "part.parquet", others)] == [False, False, True, True]
        assert set((tmp_path / "scratch").iterdir()) == {own, used.parent, others}
        assert opened(tmp_path).scratch != own
        assert own.exists()


def test_many_processes_that_open_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    """Four begin together, each of which looks for what is left over."""
    with ExitStack() as stack:
        folders = [folder for _, folder in [stack.enter_context(working(tmp_path)) for _ in range(4)]]
        assert all((folder / "part.parquet").exists() for folder in folders)
        assert len(set(folders)) == 4


def test_a_removal_that_was_killed_is_finished(tmp_path: Path) -> None:
    """The lock had gone, and a part was still there. Nobody who lives has a folder without a lock."""
    half = tmp_path / "scratch" / "perennial-executor-half"
    half.mkdir(parents=True)
    (half / "part.parquet").touch()
    own = opened(tmp_path).scratch
    assert list(own.parent.iterdir()) == [own]
    assert [path.name for path in own.iterdir()] == [LOCK]


def test_what_is_fetched_lies_in_the_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that a killed process had fetched from S3 is left over, too."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="night")
        place = {"PERENNIAL_ARTIFACTS": "s3://night/artifacts", "PERENNIAL_S3_ENDPOINT": f"http://{host}:{port}"}
        tools = opened(tmp_path, **place)
        with tools.artifacts.fetch(tools.artifacts.put(b"a part")) as path:
            assert path.parent.parent == tools.scratch
    finally:
        server.stop()


@pytest.mark.parametrize("file", ["home", "home/scratch"])
def test_a_home_that_cannot_be_used_is_one_clear_error(tmp_path: Path, file: str) -> None:
    """It names the setting, not a line of Python's library."""
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(PerennialError, match=r"^PERENNIAL_HOME: could not be used \((Not a directory|File exists)\) \[STORE_UNAV"):
        opened(tmp_path / "home")


def test_a_home_that_cannot_be_written_is_one_clear_error() -> None:
    """Not even root makes a folder where the system shows its devices."""
    with pytest.raises(PerennialError) as caught:
        opened(Path("/sys/perennial"))
    assert str(caught.value) == "PERENNIAL_HOME: does not let this user read or write [STORE_DENIED]"


@pytest.mark.spark
def test_an_executor_tells_its_driver_so(spark: SparkEngine, odd: Any) -> None:
    """In one answer, not by ENGINE_FAILED."""
    assert spark.map(odd.Doubled(), [1]) == [b"2"]
    away = SparkEngine("local[2]", ExecutorTools((("PERENNIAL_HOME", "/sys/perennial"),)))
    with pytest.raises(PerennialError) as caught:
        away.map(odd.Doubled(), [1])
    assert str(caught.value) == "PERENNIAL_HOME: does not let this user read or write [STORE_DENIED]"
    away.close()
