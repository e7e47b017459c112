"""A Spark of a master and two workers on this machine: an executor is killed, and a slow task is run twice at the same time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import odd_pieces  # type: ignore[import-not-found] # on the path of the process
import pyspark

from perennial.ports import Tools
from perennial.stores.spark.engine import SparkEngine
from perennial.testing import MemoryArtifacts

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


def tools(folder: str) -> Tools:
    """Open what the work does not use."""
    return Tools(artifacts=MemoryArtifacts(), signing_key=b"", scratch=Path(folder))


def main(marks: Path) -> None:
    """Write what came of both, and which marks the attempts left."""
    for name in ("killed", "twice"):
        (marks / name).mkdir()
    killed = odd_pieces.Failing(str(marks / "killed"), "parent", 1, ("2",), odd_pieces.Doubled())
    twice = odd_pieces.Slow(str(marks / "twice"), "3", odd_pieces.Doubled())
    with ExitStack() as running:
        address = running.enter_context(cluster(marks))
        os.environ["SPARK_CONF_DIR"] = configured(marks, {**OPTIONS, "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"]})
        engine = running.enter_context(closing(SparkEngine(address, partial(tools, str(marks)))))
        works = {"killed": killed, "twice": twice}
        told = {name: [int(answer) for answer in engine.map(work, range(6))] for name, work in works.items()}
    (marks / "told.json").write_text(json.dumps(told))


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
