"""What the stores of an installation let somebody's estimator see."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.wiring import open_stores, settings
from perennial.workshop.owner import ProcessWorkshop

JOBS = Path(__file__).parents[1] / "integration" / "workshop" / "files"


def test_a_job_sees_the_environment_without_our_secrets(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No signing key, no address of a database; what is not ours is there. The workshop ends with the stores."""
    monkeypatch.syspath_prepend(str(JOBS))
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", ledger_url)
    monkeypatch.setenv("PERENNIAL_SIGNING_KEY", "ab" * 32)
    monkeypatch.setenv("PERENNIAL_CONN_BIKES", "postgresql://ana:hunter2@h/bikes")
    monkeypatch.setenv("COLOUR", "blue")
    with open_stores(settings()) as stores:
        workshop = stores.workshop
        done = workshop.run("odd_jobs:surroundings", {}, tmp_path, memory=1 << 30, seconds=60)
        assert isinstance(workshop, ProcessWorkshop)
        line = workshop._line
        assert line is not None
        assert line.process.poll() is None
    seen = done.value["environment"]
    assert seen["COLOUR"] == "blue"
    assert [name for name in seen if name.startswith("PERENNIAL_")] == []
    assert line.process.poll() == 0
