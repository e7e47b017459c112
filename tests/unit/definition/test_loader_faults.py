"""What is wrong with a definition's fields: each fault with its code, line and field, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from perennial.core.errors import DefinitionError
from perennial.definition.loader import load
from perennial.definition.models import Definition

Said = Callable[..., list[str]]
Write = Callable[..., Path]
METRICS = (
    "'mae', 'rmse', 'r2', 'bias', 'mape', 'pinball', 'log_loss', 'brier', 'roc_auc', "
    "'average_precision', 'accuracy', 'calibration_error' or 'calibration_slope'"
)


def test_a_good_definition_loads(write: Write) -> None:
    """Every section becomes a frozen record."""
    definition = load(write())
    assert definition.name == "bike_demand"
    assert definition.schedule.window.length == timedelta(days=60)
    assert definition.expectations[0].arguments == {"column": "temperature"}


def test_a_definition_survives_json(write: Write) -> None:
    """What was loaded can be written as JSON, and read again as the same."""
    definition = load(write())
    assert Definition.model_validate_json(definition.model_dump_json()) == definition


def test_the_digest_ignores_layout_and_comments(write: Write) -> None:
    """Only the content counts, so a comment retrains nothing."""
    one = load(write()).digest
    assert load(write_again(("kpi: {", "# why\nkpi: {"), ("[hour, weekday]", "\n    - hour\n    - weekday"))).digest == one
    assert load(write_again(("cooldown: 7d", "cooldown: 8d"))).digest != one


def write_again(*changes: tuple[str, str]) -> Path:
    """Change the file that was written before."""
    path = Path("config/models/bike_demand.yml")
    text = path.read_text()
    for old, new in changes:
        text = text.replace(old, new)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "  metric: mae",
            "  metirc: mae\n  metric: mae",
            "29: evaluation.metirc: is not a known key, did you mean 'metric'? [DEFINITION_UNKNOWN_KEY]",
        ),
        (
            "features:",
            "feature: {}\nfeatures:",
            "14: feature: is not a known key, did you mean 'features'? [DEFINITION_UNKNOWN_KEY]",
        ),
        (
            "    on: both",
            "    zzz: 1",
            "27: expectations[0].zzz: is not a known key, must be one of type, arguments, on [DEFINITION_UNKNOWN_KEY]",
        ),
        ("owner: fleet team\n", "", "1: owner: must be given [DEFINITION_MISSING]"),
        ("  metric: mae\n", "", "28: evaluation.metric: must be given [DEFINITION_MISSING]"),
        ("owner: fleet team", "owner: 3", "4: owner: must be text, got 3 [DEFINITION_TYPE]"),
        ("owner: fleet team", 'owner: ""', "4: owner: must not be empty [DEFINITION_RANGE]"),
        ("owner: fleet team", 'owner: "  "', "4: owner: must not be blank [DEFINITION_RANGE]"),
        (
            "owner: fleet team",
            'owner: "a\\0b"',
            "4: owner: must not hold control characters, got 'a\\x00b' [DEFINITION_RANGE]",
        ),
        ("  table: demand", "  table: [demand]", "8: source.table: must be text, got a list [DEFINITION_TYPE]"),
        ("[temperature]", "temperature", "15: features.numeric: must be a list, got 'temperature' [DEFINITION_TYPE]"),
        ("[hour, weekday]", "[hour, 3]", None),
        ("{kind: sliding, length: 60d}", "60d", "23: schedule.window: must be a mapping, got '60d' [DEFINITION_TYPE]"),
        ("24h", "24", "13: label.delay: must be a duration such as 30m, 24h or 7d, got 24 [DEFINITION_TYPE]"),
        ("24h", "1 day", "13: label.delay: must be a duration such as 30m, 24h or 7d, got '1 day' [DEFINITION_TYPE]"),
        (
            "24h",
            "-3d",
            (
                "13: label.delay: must be a duration such as 30m, 24h or 7d, got '-3d'; "
                "its number must lie between 1 and 999999 [DEFINITION_RANGE]"
            ),
        ),
        ("start: 2024-01-01", "start: 2024", "22: schedule.start: must be a day such as 2024-03-01, got 2024 [DEFINITION_TYPE]"),
        (
            "start: 2024-01-01",
            "start: 2024-02-30",
            "22: schedule.start: must be a day of the calendar, got '2024-02-30' [DEFINITION_RANGE]",
        ),
        (
            "start: 2024-01-01",
            "start: 0001-01-01",
            "22: schedule.start: must lie between 1970-01-02 and 2199-12-31, got '0001-01-01' [DEFINITION_RANGE]",
        ),
        ("metric: mae", "metric: mea", f"29: evaluation.metric: must be {METRICS}, got 'mea' [DEFINITION_RANGE]"),
        (
            "    on: both",
            "    on: always",
            "27: expectations[0].on: must be 'score', 'train' or 'both', got 'always' [DEFINITION_RANGE]",
        ),
        (
            "  cooldown: 7d",
            "  cooldown: 7d\n  breaker: 0",
            "34: retraining.breaker: must be between 1 and 100, got 0 [DEFINITION_RANGE]",
        ),
        (
            "  cooldown: 7d",
            "  cooldown: 7d\n  max_per_30d: -1",
            "34: retraining.max_per_30d: must be between 1 and 100, got -1 [DEFINITION_RANGE]",
        ),
        (
            "  cooldown: 7d",
            "  cooldown: 7d\n  breaker: 2.5",
            "34: retraining.breaker: must be a whole number, got 2.5 [DEFINITION_TYPE]",
        ),
        (
            "retraining:",
            "monitoring:\n  false_alarms_per_year: 0\nretraining:",
            "33: monitoring.false_alarms_per_year: must be more than 0 and at most 366, got 0 [DEFINITION_RANGE]",
        ),
        (
            "retraining:",
            "monitoring:\n  false_alarms_per_year: true\nretraining:",
            "33: monitoring.false_alarms_per_year: must be a number, got true [DEFINITION_TYPE]",
        ),
        (
            "retraining:",
            "quality:\n  tolerated: 100%\nretraining:",
            "33: quality.tolerated: must be at least 0 and less than 1, got '100%' [DEFINITION_RANGE]",
        ),
        (
            "retraining:",
            "quality:\n  tolerated: five\nretraining:",
            "33: quality.tolerated: must be a share such as 5% or 0.05, got 'five' [DEFINITION_TYPE]",
        ),
        (
            "  holdout: 14d",
            "  holdout: 14d\n  gates: {champion: {margin: -0.1}}",
            "32: evaluation.gates.champion.margin: must be between 0 and 1, got -0.1 [DEFINITION_RANGE]",
        ),
        ("[station]", "[]", "9: source.entity: must have at least 1 of them, got 0 [DEFINITION_RANGE]"),
        (
            "Europe/Berlin",
            "Europe/Berln",
            (
                "21: schedule.timezone: must be an IANA timezone such as UTC or Europe/Berlin, got 'Europe/Berln', "
                "did you mean 'Europe/Berlin'? [DEFINITION_TIMEZONE]"
            ),
        ),
        (
            "Europe/Berlin",
            "../../etc/passwd",
            (
                "21: schedule.timezone: must be an IANA timezone such as UTC or Europe/Berlin, got '../../etc/passwd' "
                "[DEFINITION_TIMEZONE]"
            ),
        ),
        (
            "Europe/Berlin",
            "localtime",
            "21: schedule.timezone: must be an IANA timezone such as UTC or Europe/Berlin, got 'localtime' [DEFINITION_TIMEZONE]",
        ),
        (
            '"0 2 * * *"',
            '"0 99 * * *"',
            "19: schedule.score: must be a cron expression such as '0 2 * * *', got '0 99 * * *' [DEFINITION_CRON]",
        ),
        (
            '"0 2 * * *"',
            '"0 0 31 2 *"',
            "19: schedule.score: must fire on some day of the calendar, got '0 0 31 2 *' [DEFINITION_CRON]",
        ),
        (
            '"0 4 * * 1"',
            '"@daily"',
            (
                "20: schedule.retrain: must have five fields: minute, hour, day of month, month, day of week, got '@daily' "
                "[DEFINITION_CRON]"
            ),
        ),
        ('"0 4 * * 1"', "5", "20: schedule.retrain: must be text, got 5 [DEFINITION_TYPE]"),
        (
            "retraining:",
            "estimator:\n  path: numpy.random\nretraining:",
            "33: estimator.path: must be written as package.module:function, got 'numpy.random' [DEFINITION_ESTIMATOR]",
        ),
        (
            "[temperature]",
            '["temp; drop table x"]',
            "15: features.numeric[0]: must be letters, digits and underscores, got 'temp; drop table x' [IDENTIFIER_INVALID]",
        ),
        (
            "[temperature]",
            "[_position]",
            (
                "15: features.numeric[0]: must not be _position or _reasons, which Perennial adds to refused rows, "
                "got '_position' [IDENTIFIER_RESERVED]"
            ),
        ),
        (
            "  table: demand",
            "  table: 'a.b.c'",
            (
                "8: source.table: must be letters, digits and underscores, with or without a schema before a dot, got 'a.b.c' "
                "[IDENTIFIER_INVALID]"
            ),
        ),
        (
            "  connection: demo",
            "  connection: Demo",
            (
                "7: source.connection: must be lower-case letters, digits and underscores, start with a letter, "
                "at most 100 characters, "
                "got 'Demo' [NAME_INVALID]"
            ),
        ),
    ],
)
def test_a_fault_is_told_with_its_line_and_field(said: Said, old: str, new: str, line: str | None) -> None:
    """One fault in a file is one line: where, what is allowed, what was found, and the code."""
    allowed = "'hour', 'weekday', 'weekend', 'day_of_year', 'month' or 'elapsed_days'"
    assert said((old, new)) == [line or f"17: features.time[1]: must be {allowed}, got 3 [DEFINITION_RANGE]"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("../x", "'../x'"),
        ("/etc", "'/etc'"),
        ('"bike\\n"', "'bike\\n'"),
        ("b\u0456ke", "'b\\u0456ke'"),
        ('"bike\\0"', "'bike\\x00'"),
        ("x" * 101, f"'{'x' * 39}... (101 characters)"),
    ],
    ids=["parent", "absolute", "newline", "homoglyph", "nul", "long"],
)
def test_a_name_that_is_none_is_refused(said: Said, written: str, shown: str) -> None:
    """Names become folders, DAG ids and keys, so nothing else may stand in one."""
    allowed = "must be lower-case letters, digits and underscores, start with a letter, at most 100 characters"
    assert said(("name: bike_demand", f"name: {written}")) == [f"1: name: {allowed}, got {shown} [NAME_INVALID]"]


def test_all_faults_of_a_file_are_told_at_once(said: Said) -> None:
    """Faults of the text, of fields and across fields stand in one error, in the order of their lines."""
    changes = (
        ("owner: fleet team", "title: again\nowner: no"),
        ("[temperature]", "[temperature, bikes, 'x;y']"),
        ('"0 2 * * *"', '"0 2 31 2 *"'),
        ("Europe/Berlin", "Mars/Olympus"),
        ("length: 60d}", "lenght: 60d}"),
        ("{column: temperature}", "{colum: temperature}"),
        ("  metric: mae", "  metirc: mae\n  gates: {champion: {margin: -0.1}}"),
        ("  report: [rmse]", "  report: [log_loss]"),
    )
    assert said(*changes) == [
        "4: title: stands twice, first in line 2 [DEFINITION_DUPLICATE_KEY]",
        "5: owner: must be false, or quoted if it is text: YAML readers differ about it, got no [DEFINITION_TYPE]",
        "16: features.numeric[2]: must be letters, digits and underscores, got 'x;y' [IDENTIFIER_INVALID]",
        "16: features.numeric[1]: must not hold the target, got 'bikes' [DEFINITION_LEAKAGE]",
        "20: schedule.score: must fire on some day of the calendar, got '0 2 31 2 *' [DEFINITION_CRON]",
        "22: schedule.timezone: must be an IANA timezone such as UTC or Europe/Berlin, got 'Mars/Olympus' [DEFINITION_TIMEZONE]",
        "24: schedule.window.lenght: is not a known key, did you mean 'length'? [DEFINITION_UNKNOWN_KEY]",
        "24: schedule.window.length: must be given for a sliding window [DEFINITION_MISSING]",
        "26: expectations[0]: column: is required [DEFINITION_EXPECTATION]",
        (
            "26: expectations[0]: colum: is no argument of expect_column_values_to_not_be_null; did you mean column? "
            "[DEFINITION_EXPECTATION]"
        ),
        "29: evaluation.metric: must be given [DEFINITION_MISSING]",
        "30: evaluation.metirc: is not a known key, did you mean 'metric'? [DEFINITION_UNKNOWN_KEY]",
        "31: evaluation.gates.champion.margin: must be between 0 and 1, got -0.1 [DEFINITION_RANGE]",
        (
            "32: evaluation.report[0]: must be mae, rmse, r2, bias, mape or pinball for a regression model, got log_loss "
            "[DEFINITION_RANGE]"
        ),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "connection: demo",
            "connection: postgresql://bob:s3cr3t@db/x",
            (
                "7: source.connection: must be lower-case letters, digits and underscores, start with a letter, "
                "at most 100 characters, "
                "got a value that is not shown [NAME_INVALID]"
            ),
        ),
        (
            "{column: temperature}",
            "{column: temperature, password: 0123}",
            (
                "26: expectations[0].arguments.password: must be 123, or quoted if it is text: YAML readers differ about it, "
                "got a value that is not shown [DEFINITION_TYPE]"
            ),
        ),
        (
            "Europe/Berlin",
            "AKIAIOSFODNN7EXAMPLE",
            (
                "21: schedule.timezone: must be an IANA timezone such as UTC or Europe/Berlin, got a value that is not shown "
                "[DEFINITION_TIMEZONE]"
            ),
        ),
        (
            "Europe/Berlin",
            "x" * 5000,
            (
                f"21: schedule.timezone: must be an IANA timezone such as UTC or Europe/Berlin, got '{'x' * 39}... "
                "(5000 characters) [DEFINITION_TIMEZONE]"
            ),
        ),
    ],
    ids=["address", "password", "key", "long"],
)
def test_secrets_are_not_echoed_and_long_values_are_cut(said: Said, old: str, new: str, line: str) -> None:
    """An error goes to logs and pages, so what may be a secret is not in it."""
    assert said((old, new)) == [line]


def test_the_value_of_an_unknown_key_is_not_echoed(said: Said) -> None:
    """A password under a key of its own choosing stays where it is."""
    (line,) = said(("owner: fleet team", "owner: fleet team\npassword: hunter2"))
    assert line.startswith("5: password: is not a known key, must be one of name, title, ")
    assert "hunter2" not in line


def test_a_key_with_odd_characters_cannot_break_the_line(said: Said) -> None:
    """A newline in a key is shown, not written."""
    (line,) = said(("owner: fleet team", 'owner: fleet team\n"a\\nb [OK]": 1'))
    assert line.startswith("5: 'a\\nb [OK]': is not a known key")


def test_an_error_keeps_one_fault_per_thing(write: Write) -> None:
    """Programs read code and place from the faults, not from the text."""
    path = write(("metric: mae", "metric: mea"), ("24h", "24"))
    with pytest.raises(DefinitionError) as caught:
        load(path)
    assert [(fault.code, fault.where) for fault in caught.value.faults] == [
        ("DEFINITION_TYPE", f"{path}:13: label.delay"),
        ("DEFINITION_RANGE", f"{path}:29: evaluation.metric"),
    ]
