"""Errors carry one or more faults, and lose none on the way to another process."""

from __future__ import annotations

import pickle

import pytest

from perennial.core import errors
from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, Fault, PerennialError, TerminalError, TransientError, UnavailableError

FAULTS = (
    Fault(Code.DEFINITION_RANGE, "must be between 0 and 1, got -0.1", "m.yml:14: evaluation.margin"),
    Fault(Code.DEFINITION_MISSING, "must be given", "m.yml:1: owner"),
)
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PerennialError)]


def test_a_fault_says_where_what_and_its_code() -> None:
    """The line that a person reads."""
    assert str(FAULTS[0]) == "m.yml:14: evaluation.margin: must be between 0 and 1, got -0.1 [DEFINITION_RANGE]"
    assert str(Fault(Code.DATA_EMPTY, "must have rows")) == "must have rows [DATA_EMPTY]"


def test_an_error_says_all_of_its_faults() -> None:
    """One line each; code and place are those of the first."""
    error = DefinitionError.of(FAULTS)
    assert str(error) == f"{FAULTS[0]}\n{FAULTS[1]}"
    assert (error.code, error.where, error.args) == (FAULTS[0].code, FAULTS[0].where, (str(error),))


def test_the_fix_is_no_part_of_the_text() -> None:
    """It is advice, and stands beside the message."""
    error = UnavailableError(Code.STORE_UNAVAILABLE, "did not answer", where="ledger", fix="perennial doctor")
    assert str(error) == "ledger: did not answer [STORE_UNAVAILABLE]"
    assert error.fix == "perennial doctor"


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_an_error_survives_pickling_with_all_of_its_faults(kind: type[PerennialError]) -> None:
    """Airflow and child processes hand errors over by pickle."""
    error = kind.of(FAULTS, fix="do this")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), copy.faults, copy.fix, str(copy), copy.args) == (kind, FAULTS, "do this", str(error), error.args)


def test_an_error_has_at_least_one_fault() -> None:
    """An error about nothing is a bug."""
    with pytest.raises(ValueError, match="not enough values"):
        DefinitionError.of([])


def test_every_error_is_terminal_or_transient() -> None:
    """The one thing an orchestrator needs to know."""
    leaves = [kind for kind in KINDS if kind is not PerennialError]
    assert [kind for kind in leaves if issubclass(kind, TerminalError) == issubclass(kind, TransientError)] == []


def test_every_code_is_its_own_name_and_has_a_meaning() -> None:
    """Codes are stable words, and the list of errors is written from their meanings."""
    assert [code for code in Code if code.value != code.name] == []
    assert [code for code in Code if not code.meaning.endswith(".")] == []
