"""Every verb is documented, in its own help and in the reference, and can print JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from perennial.cli import app

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
PROMISED = [
    *("check", "schema", "migrate", "simulate", "retrain", "score", "replay", "backtest", "others"),
    *("suggest", "validation", "quarantine", "release", "monitor", "explain", "calibrate"),
    *(
        "models_list",
        "models_show",
        "models_compare",
        "models_card",
        "promote",
        "rollback",
        "retire",
        "trace",
        "export",
        "doctor",
        "gc",
    ),
]


def _verbs(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        if getattr(child, "commands", None):
            yield from _verbs(child, f"{path} {name}")
        else:
            yield f"{path} {name}", child


VERBS = dict(_verbs(typer.main.get_command(app), "perennial"))


def test_the_promised_verbs_are_there() -> None:
    """And none is there twice."""
    names = [name.removeprefix("perennial ").replace(" ", "_") for name in VERBS]

    assert [name for name in PROMISED if name not in names] == []
    assert sorted(set(names) - set(PROMISED)) == ["demo", "down", "logs", "up"]


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_in_the_reference_with_every_argument(name: str) -> None:
    """Its section has a row for each argument and option."""
    section = REFERENCE.read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    opts = [item.opts[0] if item.param_type_name == "option" else item.name.upper() for item in VERBS[name].params]

    assert section
    assert [opt for opt in opts if opt != "--help" and f"| `{opt}" not in section] == []


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_what_it_does_and_what_each_word_means(name: str) -> None:
    """The first line of its help stands whole in the list of verbs, and nothing is without a meaning."""
    command = VERBS[name]
    first = command.help.partition("\n")[0]

    assert first.endswith(".")
    assert command.get_short_help_str(66) == first
    assert [item.name for item in command.params if not getattr(item, "help", None) and item.name != "help"] == []


@pytest.mark.parametrize("name", [name for name in VERBS if name != "perennial demo"])
def test_a_verb_can_print_json(name: str) -> None:
    """All but the demo, which tells a story."""
    assert "--json" in [opt for item in VERBS[name].params for opt in item.opts]
