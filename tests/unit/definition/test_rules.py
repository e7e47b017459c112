"""Rules across the fields of a definition, each with its code and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.definition.loader import load

Said = Callable[..., list[str]]
Write = Callable[..., Path]
Change = tuple[str, str]
BINARY = ("retraining:", "estimator:\n  task: binary\nretraining:")
OWN_LABELS = (
    "  delay: 24h",
    "  delay: 24h\n  source: {connection: demo, table: trips, entity: [station], event_at: ended_at, available_at: known_at}",
)
QUERY = "  table: demand"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            [("  table: demand\n", "")],
            "6: source: must have one of table, query and path, got none of them [DEFINITION_MISSING]",
        ),
        (
            [(QUERY, "  table: demand\n  path: demand.parquet")],
            "9: source.path: must be the only one of table, query and path, got table and path [DEFINITION_RANGE]",
        ),
        (
            [("  delay: 24h", "  delay: 24h\n  source: {connection: demo, entity: [station]}")],
            "14: label.source: must have one of table, query and path, got none of them [DEFINITION_MISSING]",
        ),
        (
            [(QUERY, "  query: select 1; drop table demand")],
            "8: source.query: must be a single SELECT statement without a semicolon, got one [DEFINITION_QUERY]",
        ),
        (
            [(QUERY, "  query: drop table demand")],
            "8: source.query: must be a single SELECT statement, got one that begins otherwise [DEFINITION_QUERY]",
        ),
        (
            [(QUERY, "  query: |\n    with gone as (delete from demand returning *)\n    select * from gone")],
            "8: source.query: must only read, got the word DELETE (put a column of that name in double quotes) [DEFINITION_QUERY]",
        ),
        (
            [("  delay: 24h", "  delay: 24h\n  source: {connection: demo, query: select a into b, entity: [station]}")],
            (
                "14: label.source.query: must only read, got the word INTO (put a column of that name in double quotes) "
                "[DEFINITION_QUERY]"
            ),
        ),
        (
            [("  delay: 24h", "  delay: 24h\n  source: {connection: demo, table: trips, entity: [a, b]}")],
            "14: label.source.entity: must have as many columns as source.entity, 1, got 2 [DEFINITION_RANGE]",
        ),
        (
            [("[temperature]", "[temperature, bikes]")],
            "15: features.numeric[1]: must not hold the target, got 'bikes' [DEFINITION_LEAKAGE]",
        ),
        (
            [("[temperature]", "\n    - temperature\n    - BIKES")],
            "17: features.numeric[1]: must not hold the target, got 'bikes' [DEFINITION_LEAKAGE]",
        ),
        ([("[wet]", "[bikes]")], "16: features.categorical[0]: must not hold the target, got 'bikes' [DEFINITION_LEAKAGE]"),
        (
            [("[station]", "[station, bikes]")],
            "9: source.entity[1]: must not hold the target, got 'bikes' [DEFINITION_LEAKAGE]",
        ),
        (
            [("  report: [rmse]", "  slices: [bikes]")],
            "30: evaluation.slices[0]: must not hold the target, got 'bikes' [DEFINITION_LEAKAGE]",
        ),
        (
            [("[wet]", "[event_at]")],
            (
                "16: features.categorical[0]: must not hold the column of event_at, got 'event_at'; "
                "features.time derives figures from event_at [DEFINITION_LEAKAGE]"
            ),
        ),
        (
            [("[temperature]", "[available_at]")],
            (
                "15: features.numeric[0]: must not hold the column of available_at, got 'available_at'; "
                "features.time derives figures from event_at [DEFINITION_LEAKAGE]"
            ),
        ),
        (
            [OWN_LABELS, ("[temperature]", "[known_at]")],
            (
                "16: features.numeric[0]: must not hold the column of available_at, got 'known_at'; "
                "features.time derives figures from event_at [DEFINITION_LEAKAGE]"
            ),
        ),
        (
            [("[temperature]", "[temperature, Temperature]")],
            "15: features.numeric[1]: must not stand twice, 'Temperature' is in features.numeric too [DEFINITION_RANGE]",
        ),
        (
            [("[wet]", "[wet, temperature]")],
            "16: features.categorical[1]: must not stand twice, 'temperature' is in features.numeric too [DEFINITION_RANGE]",
        ),
        (
            [("[temperature]", "[hour]")],
            "17: features.time[0]: must not stand twice, 'hour' is in features.numeric too [DEFINITION_RANGE]",
        ),
        ([("[station]", "[station, station]")], "9: source.entity[1]: must not stand twice, got 'station' [DEFINITION_RANGE]"),
        ([("[rmse]", "[rmse, rmse]")], "30: evaluation.report[1]: must not stand twice, got 'rmse' [DEFINITION_RANGE]"),
        (
            [("  numeric: [temperature]\n  categorical: [wet]\n  time: [hour, weekday]", "  numeric: []")],
            "14: features: must name at least one feature [DEFINITION_MISSING]",
        ),
        (
            [("start: 2024-01-01", "start: 2024-01-01\n  end: 2024-01-01")],
            "23: schedule.end: must be later than schedule.start, 2024-01-01, got 2024-01-01 [DEFINITION_RANGE]",
        ),
        (
            [(", length: 60d", "")],
            "23: schedule.window.length: must be given for a sliding window [DEFINITION_MISSING]",
        ),
        (
            [("sliding", "expanding")],
            "23: schedule.window.length: must not be given for an expanding window, got 60d [DEFINITION_RANGE]",
        ),
        (
            [("length: 60d", "length: 15d")],
            (
                "31: evaluation.holdout: must be shorter, with label.delay, than schedule.window.length, 15d, got 14d and 1d "
                "[DEFINITION_RANGE]"
            ),
        ),
        (
            [("cooldown: 7d", "cooldown: 23h")],
            "33: retraining.cooldown: must be at least the scoring interval, 1d, got 23h [DEFINITION_COOLDOWN]",
        ),
        (
            [('"0 2 * * *"', '"0 2 * * 1"'), ("cooldown: 7d", "cooldown: 6d")],
            "33: retraining.cooldown: must be at least the scoring interval, 7d, got 6d [DEFINITION_COOLDOWN]",
        ),
        (
            [("cooldown: 7d", "cooldown: 7d\n  max_per_30d: 6")],
            "34: retraining.max_per_30d: must be at most 5, as many as a cooldown of 7d allows, got 6 [DEFINITION_RANGE]",
        ),
        (
            [("cooldown: 7d", "cooldown: 7d\n  min_age: 9d\n  max_age: 9d")],
            "35: retraining.max_age: must be more than retraining.min_age, 9d, got 9d [DEFINITION_RANGE]",
        ),
        (
            [("retraining:", "publish:\n  retention: 24h\nretraining:")],
            "33: publish.retention: must be more than what labels take to come, 1d, got 1d [DEFINITION_RANGE]",
        ),
        (
            [("  delay: 24h", "  delay: 24h\n  latest: 7d"), ("retraining:", "publish:\n  retention: 7d\nretraining:")],
            "34: publish.retention: must be more than what labels take to come, 7d, got 7d [DEFINITION_RANGE]",
        ),
        (
            [("  delay: 24h", "  delay: 24h\n  latest: 23h")],
            "14: label.latest: must be at least label.delay, 1d, got 23h [DEFINITION_RANGE]",
        ),
        (
            [("metric: mae", "metric: log_loss")],
            (
                "29: evaluation.metric: must be mae, rmse or pinball to decide about a regression model, got log_loss "
                "[DEFINITION_RANGE]"
            ),
        ),
        (
            [("metric: mae", "metric: bias")],
            "29: evaluation.metric: must be mae, rmse or pinball to decide about a regression model, got bias [DEFINITION_RANGE]",
        ),
        (
            [BINARY, ("metric: mae", "metric: roc_auc"), ("[rmse]", "[log_loss]")],
            (
                "29: evaluation.metric: must be log_loss, brier or accuracy to decide about a binary model, got roc_auc "
                "[DEFINITION_RANGE]"
            ),
        ),
        (
            [BINARY, ("metric: mae", "metric: brier")],
            (
                "30: evaluation.report[0]: must be log_loss, brier, roc_auc, average_precision, accuracy, bias, calibration_error "
                "or calibration_slope for a binary model, got rmse [DEFINITION_RANGE]"
            ),
        ),
        (
            [BINARY, ("metric: mae", "metric: brier"), ("report: [rmse]", "gates: {floor: {within: 1, share: 80%}}")],
            "30: evaluation.gates.floor.within: must be less than 1 for a binary model, got 1.0 [DEFINITION_RANGE]",
        ),
        (
            [("metric: mae", "metric: pinball")],
            "28: evaluation.quantile: must be given for the metric pinball, such as 0.9 [DEFINITION_RANGE]",
        ),
        (
            [("report: [rmse]", "gates: {calibration: {error: 3%}}")],
            (
                "30: evaluation.gates.calibration: must stand in the definition of a binary model only, this one is a regression "
                "model [DEFINITION_RANGE]"
            ),
        ),
        (
            [("report: [rmse]", "gates: {slices: {margin: 5%}}")],
            "30: evaluation.gates.slices: needs columns in evaluation.slices, got none [DEFINITION_RANGE]",
        ),
        (
            [("report: [rmse]", "gates: {noise: {among: 5}}")],
            "30: evaluation.gates.noise.among: must be at most the number of features, 4, got 5 [DEFINITION_RANGE]",
        ),
        (
            [("report: [rmse]", "gates: {noise: {}}"), ("  time: [hour, weekday]\n", "")],
            "29: evaluation.gates.noise.among: must be at most the number of features, 2, got 3 [DEFINITION_RANGE]",
        ),
        (
            [("retraining:", "estimator:\n  parameters: {depth: 3}\n  search:\n    parameters: {depth: [3, 4]}\nretraining:")],
            "35: estimator.search.parameters.depth: must not stand in estimator.parameters too [DEFINITION_RANGE]",
        ),
        (
            [("  - type: expect_column_values_to_not_be_null", "  - type: expect_magic")],
            "25: expectations[0]: type: must be a supported expectation, got 'expect_magic' [DEFINITION_EXPECTATION]",
        ),
        (
            [("{column: temperature}", "{column: _position}")],
            (
                "25: expectations[0]: column: must be neither _position nor _reasons, which Perennial adds to refused rows, "
                "got '_position' [DEFINITION_EXPECTATION]"
            ),
        ),
        (
            [("{column: temperature}", "{column: temperature, mostly: 2}")],
            None,
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_line(said: Said, changes: list[Change], line: str | None) -> None:
    """One broken rule is one line."""
    found = said(*changes)
    if line is None:
        assert [one.partition("mostly: ")[0] for one in found] == ["25: expectations[0]: "]
    else:
        assert found == [line]


@pytest.mark.parametrize(
    "changes",
    [
        [("[temperature]", "[temperature, station]")],
        [OWN_LABELS],
        [(QUERY, '  query: select "update" from t -- into it')],
        [(QUERY, "  query: WITH a AS (SELECT 1) SELECT * FROM a")],
        [("cooldown: 7d", "cooldown: 1d")],
        [("  delay: 24h", "  delay: 24h\n  latest: 24h")],
        [('"0 2 * * *"', '"*/15 * * * *"'), ("cooldown: 7d", "cooldown: 15m")],
        [("cooldown: 7d", "cooldown: 7d\n  max_per_30d: 5")],
        [("length: 60d", "length: 16d")],
        [("sliding, length: 60d", "expanding")],
        [BINARY, ("metric: mae", "metric: log_loss"), ("[rmse]", "[roc_auc, brier, accuracy, bias]")],
    ],
)
def test_what_keeps_the_rules_loads(write: Write, changes: list[Change]) -> None:
    """The rules refuse no more than they say: an entity may be a feature, a cooldown may be one interval long, and so on."""
    assert load(write(*changes)).name == "bike_demand"


def test_a_rule_that_needs_a_faulty_field_says_nothing(said: Said) -> None:
    """With an unreadable cron there is no scoring interval to compare a cooldown with."""
    assert said(('"0 2 * * *"', '"0 99 * * *"'), ("cooldown: 7d", "cooldown: 1h")) == [
        "19: schedule.score: must be a cron expression such as '0 2 * * *', got '0 99 * * *' [DEFINITION_CRON]"
    ]


def test_every_expectation_is_looked_at(said: Said) -> None:
    """One that cannot be read does not hide the next."""
    more = "    on: both\n  - type: 3\n  - type: expect_magic"
    assert said(("    on: both", more)) == [
        "28: expectations[1].type: must be text, got 3 [DEFINITION_TYPE]",
        "29: expectations[2]: type: must be a supported expectation, got 'expect_magic' [DEFINITION_EXPECTATION]",
    ]


def test_no_expectation_is_never_a_pass(said: Said) -> None:
    """Unchecked data is a fault of the definition already."""
    checks = "  - type: expect_column_values_to_not_be_null\n    arguments: {column: temperature}\n    on: both"
    assert said(("expectations:\n" + checks, "expectations: []")) == [
        "24: expectations: must have at least 1 of them, got 0 [DEFINITION_RANGE]"
    ]
