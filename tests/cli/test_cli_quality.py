"""suggest and validation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

Call = Callable[..., Result]
Read = Callable[[Result], Any]


def test_what_is_suggested_passes_the_check_when_it_is_pasted(call: Call, environment: dict[str, str], tmp_path: Path) -> None:
    """The proposals replace the expectations of the definition that they were made for."""
    suggested = call("suggest", "small", "--until", "2024-02-01", "--days", "20")
    assert suggested.exit_code == 0, suggested.output
    before, _, rest = (Path(environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text().partition("expectations:\n")
    (tmp_path / "small.yml").write_text(
        before + suggested.stdout + rest.partition("evaluation:")[1] + rest.partition("evaluation:")[2]
    )

    checked = call("check", str(tmp_path / "small.yml"))

    assert checked.stdout == "1 definition right, 0 wrong\n"


def test_suggestions_say_what_was_seen(call: Call, read: Read) -> None:
    """The key, the nights, the columns of the source, and the label."""
    found = read(call("suggest", "small", "--from", "2024-01-12", "--until", "2024-02-01", "--json"))

    by_type = {(one["type"], one["arguments"].get("column")): one for one in found}
    assert by_type["expect_compound_columns_to_be_unique", None]["arguments"] == {"column_list": ["city", "event_at"]}
    assert by_type["expect_table_row_count_to_be_between", None] == {
        "type": "expect_table_row_count_to_be_between",
        "arguments": {"min_value": 21, "max_value": 27},
        "on": "score",
        "seen": "20 nights had from 24 to 24 rows",
    }
    assert by_type["expect_column_values_to_not_be_null", "city"]["seen"] == "no value was missing in 480 rows"
    assert {column for type_, column in by_type if type_ == "expect_column_values_to_be_between"} == {"temperature", "wet", "rides"}


def test_a_history_without_rows_suggests_nothing(call: Call) -> None:
    """There is nothing to look at."""
    result = call("suggest", "small", "--from", "2020-01-01", "--until", "2020-02-01")

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("small 2020-01-01T00:00:00Z/2020-02-01T00:00:00Z: there are no rows to look at [DATA_EMPTY]")


def test_a_validation_is_shown_with_its_findings(call: Call, read: Read) -> None:
    """As a table, and as the receipt that it is."""
    shown = call("validation", "small", "--night", "2024-02-01")
    told = read(call("validation", "small", "--night", "2024-02-01", "--json"))

    assert shown.stdout.splitlines()[0] == "score 2024-01-31 00:00Z to 2024-02-01 00:00Z: pass"
    assert shown.stdout.splitlines()[-1] == "0 of 24 rows in quarantine"
    assert [finding["sentence"] for finding in told["findings"]] == [
        "temperature: 0 of 24 rows are missing",
        "units, sentinels, volume, freshness, blocks, copies: looked for beside 20 nights",
        "24 rows, at least 1 needed",
        "0 of 24 rows refused, 5% tolerated",
    ]


def test_a_validation_is_printed_as_great_expectations_writes_it(call: Call, read: Read) -> None:
    """From the snapshot of then; what only Perennial knows stands beside it."""
    told = read(call("validation", "small", "--night", "2024-02-01", "--great-expectations"))

    assert (told["success"], told["suite_name"]) == (True, "small")
    assert told["results"][0]["result"] == {"element_count": 24, "unexpected_count": 0, "unexpected_percent": 0.0}
    assert told["meta"]["perennial"]["verdict"] == "pass"
    assert [finding["expectation"] for finding in told["meta"]["perennial"]["findings"]] == [
        "quality.faults",
        "quality.minimum_rows",
        "quality.tolerated",
    ]


def test_a_night_that_was_not_checked_has_no_validation(call: Call) -> None:
    """The message says which night."""
    result = call("validation", "small", "--night", "2024-01-10")

    assert result.exit_code == 3
    assert result.stderr == "small: there is no validation of 2024-01-09 00:00Z to 2024-01-10 00:00Z [MODEL_UNKNOWN]\n"
