"""A night on a Spark of a master and two workers on this machine: executors are killed, and a task runs twice at the same time."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import odd_pieces  # type: ignore[import-not-found] # on the path of the process
import pyspark
from pyarrow import feather

from perennial.core.receipts import Role
from perennial.ports import Tools
from perennial.steps.predict import predict
from perennial.stores.spark.engine import SparkEngine
from perennial.wiring import ExecutorTools, open_stores

MASTER = "127.0.0.1"
WORKERS = ("127.0.0.2", "127.0.0.3")
"""Spark never runs a task twice on one host, so that there are two."""
OPTIONS = {
    "spark.driver.host": MASTER,
    "spark.driver.bindAddress": MASTER,
    "spark.executor.memory": "512m",
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.minTaskRuntime": "100ms",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.5",
}
PATIENCE_S = 180


@dataclass(frozen=True)
class Odd:
    """An engine on which something happens to the work with the second part.

    Attributes:
        engine: The engine.
        marks: Where attempts leave their marks. Its name says what happens: the executor is killed when the first predictions are
            in the artifacts (``put``), or when all is done but told (``after``); or the work is done twice (``twice``).
    """

    engine: SparkEngine
    marks: Path

    def map(self, work: Callable[[Any, Tools], bytes], parts: Sequence[Any]) -> list[bytes]:
        """Do *work*."""
        which, marks, what = str(parts[1]), str(self.marks), self.marks.name
        slow = odd_pieces.Slow(marks, which, work)
        return self.engine.map(slow if what == "twice" else odd_pieces.Failing(marks, "parent", 1, (which,), work, what), parts)


def main(folder: Path) -> None:
    """Predict the night that lies in *folder* once for each thing that may happen, and write what was published."""
    definition, snapshot, validation = pickle.loads((folder / "night.pickle").read_bytes())  # noqa: S301 - the test's own
    told = tuple((name, os.environ[name]) for name in ("PERENNIAL_ARTIFACTS", "PERENNIAL_HOME"))
    with ExitStack() as running:
        stores = running.enter_context(open_stores())
        address = running.enter_context(cluster(folder))
        os.environ["SPARK_CONF_DIR"] = configured(folder, OPTIONS)
        engine = running.enter_context(closing(SparkEngine(address, ExecutorTools(told))))
        for what in ("put", "after", "twice"):
            marks = folder / what
            marks.mkdir()
            stores.ledger.expire_predictions({(snapshot.model, snapshot.segment): snapshot.interval.end})
            odd = replace(stores, engine=Odd(engine, marks))
            predicted = predict(definition, snapshot.interval, odd, snapshot=snapshot, validation=validation)
            (folder / f"{what}.json").write_text(predicted.model_dump_json())
            for role in (Role.CHAMPION, Role.BASELINE):
                rows = stores.ledger.predictions(snapshot.model, role=role, within=snapshot.interval)
                feather.write_feather(rows, folder / f"{what}-{role.value}.arrow")


def configured(folder: Path, options: Mapping[str, str]) -> str:
    """Return a folder for ``SPARK_CONF_DIR`` with *options*."""
    path = folder / "conf" / "spark-defaults.conf"
    path.parent.mkdir()
    path.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return str(path.parent)


@contextmanager
def master(folder: Path) -> Iterator[str]:
    """Yield the address of a master without workers."""
    port = _free_port()
    with _ended(_daemon(folder, MASTER, "master.Master", "--port", str(port))):
        _await(port)
        yield f"spark://{MASTER}:{port}"


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Yield the address of a master that has two workers of one core each."""
    memory = ("--cores", "1", "--memory", "700m", "--work-dir", str(folder / "work"))
    with ExitStack() as running:
        address = running.enter_context(master(folder))
        for host in WORKERS:
            running.enter_context(_ended(_daemon(folder, host, "worker.Worker", *memory, address)))
        yield address


@contextmanager
def _ended(daemon: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        daemon.kill()
        daemon.wait()


def _daemon(folder: Path, host: str, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    command = [str(program), f"org.apache.spark.deploy.{name}", "--host", host, "--webui-port", "0", *arguments]
    environment = {**os.environ, "SPARK_LOCAL_IP": host, "SPARK_DAEMON_MEMORY": "256m", "PYSPARK_PYTHON": sys.executable}
    with (folder / f"{host}.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)


def _free_port() -> int:
    with closing(socket.create_server((MASTER, 0))) as server:
        port: int = server.getsockname()[1]
        return port


def _await(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            socket.create_connection((MASTER, port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


if __name__ == "__main__":
    main(Path(sys.argv[1]))
