"""export: predictions into a file, whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import Result

Call = Callable[..., Result]
NIGHTS = ("--from", "2024-01-28", "--until", "2024-02-03")


def test_predictions_are_written_beside_where_they_come_from(call: Call, company: Any, tmp_path: Path) -> None:
    """All of the week, by event, each with the version that predicted it."""
    to = tmp_path / "week.csv"
    said = call("export", "small", *NIGHTS, "--to", str(to))

    assert (said.exit_code, said.stdout) == (0, f"144 predictions written to {to}\n")
    with to.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event_at"] for row in rows] == sorted(row["event_at"] for row in rows)
    assert (len(rows), rows[0]["event_at"], rows[0]["role"]) == (144, "2024-01-28 00:00:00.000000Z", "champion")
    assert list(dict.fromkeys(row["model_version"] for row in rows)) == [company.first, company.second]


def test_another_role_as_parquet_and_json(call: Call, tmp_path: Path) -> None:
    """The name says the format; JSON says what was done."""
    to = tmp_path / "week.parquet"
    said = call("export", "small", *NIGHTS, "--to", str(to), "--role", "baseline", "--json")

    assert json.loads(said.stdout) == {"model": "small", "role": "baseline", "rows": 144, "format": "parquet", "to": str(to)}
    found = pq.read_table(to)
    assert (found.num_rows, set(found["role"].to_pylist())) == (144, {"baseline"})


def test_a_file_that_is_there_is_replaced_by_force_only(call: Call, tmp_path: Path) -> None:
    """Without it, what is there stays."""
    to = tmp_path / "week.csv"
    to.write_text("mine")
    refused = call("export", "small", *NIGHTS, "--to", str(to))

    assert (refused.exit_code, to.read_text()) == (3, "mine")
    assert refused.stderr == f"{to}: is there already [STORE_REJECTED]\n  fix: Choose another name, or add --force.\n"
    assert call("export", "small", *NIGHTS, "--to", str(to), "--force").exit_code == 0
    assert to.read_text().startswith('"entity",')


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("small", *NIGHTS, "--to", "{0}/week.xls"), "{0}/week.xls: must end with .csv or .parquet, or --format must say which"),
        (("small", *NIGHTS, "--to", "{0}/no/week.csv"), "{0}/no/week.csv: must be a file's name in a folder that is there"),
        (("small", *NIGHTS, "--to", "{0}", "--format", "csv"), "{0}: must be a file's name in a folder that is there"),
    ],
)
def test_a_place_that_cannot_be_is_refused(call: Call, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """Before anything is read."""
    said = call("export", *(word.format(tmp_path) for word in words))

    assert (said.exit_code, said.stderr) == (3, f"{message.format(tmp_path)} [STORE_REJECTED]\n")


def test_no_predictions_are_no_file(call: Call, tmp_path: Path) -> None:
    """A slip of the pen in the model's name is not an empty file."""
    to = tmp_path / "week.csv"
    said = call("export", "smal", *NIGHTS, "--to", str(to))

    nights = "2024-01-28T00:00:00Z/2024-02-03T00:00:00Z"
    assert said.exit_code == 3
    assert said.stderr == f"export: there are no current predictions of smal (champion) in {nights} [DATA_EMPTY]\n"
    assert list(tmp_path.iterdir()) == []
