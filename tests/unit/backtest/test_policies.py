"""Policies: what is tried where nobody says otherwise, and what a file may ask for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from perennial.backtest.policies import aged, full, learning_part, never, periodic, standard
from perennial.backtest.policy_file import read_policies
from perennial.core.errors import DefinitionError
from perennial.definition.models import Definition

FILE = """\
policies:
  - name: as it is
  - name: fortnightly, all of it
    schedule: "0 0 1,15 * *"
    window: {kind: expanding}
    gated: false
  - name: on drift alone
    schedule: none
    retraining: {causes: [drift], cooldown: 10d}
"""


def test_the_usual_policies_have_names_of_their_own(definition: Definition) -> None:
    """Every table tells them by these."""
    names = [one.name for one in standard(definition)]

    assert len({*names}) == len(names)
    assert {"never", "nightly", "weekly, no gate", "weekly, expanding", "drift", "decay", "max age", "full policy"} <= {*names}


def test_a_beat_is_a_cron_at_the_end_of_the_night(definition: Definition) -> None:
    """Nights of this definition end at midnight; where they end at 04:30, its retrainings come then."""
    late = definition.model_copy(update={"schedule": definition.schedule.model_copy(update={"score": "30 4 * * *"})})

    assert periodic(definition, "weekly", gated=True).schedule == "0 0 * * 1"
    assert periodic(late, "monthly", gated=True).schedule == "30 4 1 * *"


def test_age_is_the_definitions_or_a_month(definition: Definition) -> None:
    """The small definition names none."""
    assert aged(definition).retraining.max_age == timedelta(days=30)


def test_no_policy_changes_what_is_learnt(definition: Definition) -> None:
    """So a fit of one is a fit of all."""
    parts = [learning_part(one.applied(definition).model_dump(mode="json")) for one in standard(definition)]

    assert all(part == parts[0] for part in parts)


def test_the_name_of_a_policy_is_not_what_it_does(definition: Definition) -> None:
    """Two that do the same have one digest."""
    assert never().digest == never().model_copy(update={"name": "still"}).digest != full(definition).digest


def test_a_file_says_what_differs_from_the_definition(definition: Definition, tmp_path: Path) -> None:
    """What it leaves out is as it stands there; ``schedule: none`` takes the schedule away."""
    (tmp_path / "policies.yml").write_text(FILE)
    own, fortnightly, drift = read_policies(tmp_path / "policies.yml", definition)

    assert own.digest == full(definition).digest
    assert (fortnightly.schedule, fortnightly.gated) == ("0 0 1,15 * *", False)
    assert (drift.schedule, drift.retraining.causes) == (None, ("drift",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policies: []\n", "at least 1 item"),
        ("policies: [{name: one}, {name: one}]\n", "a name for each policy that no other one has"),
        ("policies: [{name: one, gates: no gate}]\n", "policies.0.gates"),
        ("[]\n", "valid list"),
    ],
)
def test_a_file_that_says_something_else_is_refused(definition: Definition, tmp_path: Path, text: str, said: str) -> None:
    """With the place of the fault."""
    (tmp_path / "policies.yml").write_text(text)

    with pytest.raises(DefinitionError, match=said):
        read_policies(tmp_path / "policies.yml", definition)
