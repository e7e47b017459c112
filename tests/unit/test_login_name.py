"""Who runs the command line, where nobody says so."""

from __future__ import annotations

import getpass
import os

import pytest

from perennial import wiring


def test_it_is_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the shell has it."""
    monkeypatch.setenv("LOGNAME", "grace")
    assert wiring.login_name() == "grace"


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """In a container there may be no line for whoever runs it; Python's versions say so in different ways."""

    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert wiring.login_name() == f"user {os.getuid()}"
