"""What doctor says of Spark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from perennial.cli.checkup_spark import Probe, spark
from perennial.cli.finding import State
from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.ports import Tools
from perennial.testing import InlineEngine
from perennial.wiring import Settings, looking_up, open_artifacts, open_engine, spark_master

KEY = "ab" * 32
Call = Callable[..., Result]


class _Engine(InlineEngine):
    """An engine that can be closed."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that name a Spark."""
    return Settings.of({"PERENNIAL_HOME": str(tmp_path), "PERENNIAL_SIGNING_KEY": KEY, "PERENNIAL_SPARK": "spark://spark:7077"})


def _tools(settings: Settings, key: str = KEY) -> Tools:
    return Tools(artifacts=open_artifacts(settings), signing_key=bytes.fromhex(key), scratch=settings.home)


def test_executors_like_this_machine_are_right(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put there to be read is gone again."""
    monkeypatch.setattr("perennial.wiring.open_engine", lambda *_, **__: _Engine(_tools(settings)))
    (found,) = spark(settings)
    assert (found.what, found.state) == ("spark", State.RIGHT)
    assert found.found == "spark://spark:7077: executors on 1 host(s), as set up as this"
    assert list(open_artifacts(settings).digests()) == []


def test_executors_with_another_key_are_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model would be refused there. The key itself is not told."""
    monkeypatch.setattr("perennial.wiring.open_engine", lambda *_, **__: _Engine(_tools(settings, "cd" * 32)))
    (found,) = spark(settings)
    assert (found.state, found.found) == (State.WRONG, "executors have another signing key than this machine")
    digest = open_artifacts(settings).put(b"probe")
    assert "cd" * 32 not in Probe(digest)(0, _tools(settings, "cd" * 32)).decode()


def test_a_spark_that_does_not_start_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the finding."""

    class Away(_Engine):
        def map(self, work: object, parts: object) -> list[bytes]:  # noqa: ARG002 - the port's
            raise UnavailableError(Code.ENGINE_UNAVAILABLE, "did not start", where="spark")

    monkeypatch.setattr("perennial.wiring.open_engine", lambda *_, **__: Away(_tools(settings)))
    assert [str(one.found) for one in spark(settings)] == ["spark: did not start [ENGINE_UNAVAILABLE]"]


def test_a_connection_that_is_not_there_is_named(settings: Settings) -> None:
    """A setting that is no master is the name of a connection."""
    named = Settings.of({**settings.environment(), "PERENNIAL_SPARK": "spark_default"})
    (found,) = spark(named)
    assert found.found == "connection spark_default: is not configured [SETTING_MISSING]"


def test_no_spark_is_no_finding(settings: Settings) -> None:
    """Where none is named."""
    assert list(spark(Settings.of({**settings.environment(), "PERENNIAL_SPARK": ""}))) == []


@pytest.mark.parametrize("url", ["spark://master:7077", "spark://spark%3A%2F%2Fmaster:7077"])
def test_a_connection_gives_the_master(settings: Settings, url: str) -> None:
    """As Airflow's provider writes it, or as a plain address; Airflow's own goes first."""
    named = Settings.of(
        {**settings.environment(), "PERENNIAL_SPARK": "spark_default", "PERENNIAL_CONN_SPARK_DEFAULT": "spark://b:1"}
    )
    assert spark_master(named, {"spark_default": url}.get) == "spark://master:7077"
    assert spark_master(named) == "spark://b:1"


def test_a_connection_is_looked_up_at_the_first_use_and_where_its_stores_were_opened(settings: Settings) -> None:
    """Most tasks never use it; whoever does may do so in another thread, which knows no context."""
    asked: list[str] = []
    named = Settings.of({**settings.environment(), "PERENNIAL_SPARK": "spark_default"})
    with looking_up(asked.append):
        engine = open_engine(named)
    assert asked == []
    with pytest.raises(RejectedError, match="connection spark_default"):
        engine.map(Probe(""), [1])
    engine.close()
    assert asked == ["spark_default"]


def test_a_verb_that_works_on_no_rows_needs_no_connection(call: Call, company: Any) -> None:
    """Only Airflow knows it, which the plain command line does not ask."""
    told = call("models", "list", PERENNIAL_SPARK="spark_default")
    assert (told.exit_code, told.stderr) == (0, "")
    assert company.second in told.stdout


def test_the_probe_is_gone_whatever_comes_of_it_and_is_no_other_doctors(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two doctors at once, the first to end takes nothing from the second."""
    seen: list[str] = []

    class Away(_Engine):
        def map(self, work: Any, parts: object) -> list[bytes]:  # noqa: ARG002 - the port's
            seen.append(work.digest)
            raise UnavailableError(Code.ENGINE_UNAVAILABLE, "did not start", where="spark")

    monkeypatch.setattr("perennial.wiring.open_engine", lambda *_, **__: Away(_tools(settings)))
    for _ in range(2):
        list(spark(settings))
    assert len(set(seen)) == 2
    assert list(open_artifacts(settings).digests()) == []
