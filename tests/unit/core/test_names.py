"""Names, identifiers and what may be shown of a value."""

from __future__ import annotations

import pytest

from perennial.core.errors import DefinitionError
from perennial.core.names import column, identifier, name, table
from perennial.core.shown import HIDDEN, shown

ALLOWED = "must be lower-case letters, digits and underscores, start with a letter, at most 100 characters"


@pytest.mark.parametrize("text", ["a", "bike_demand", "m2", "x" * 100])
def test_plain_names_pass(text: str) -> None:
    """A name comes back as it is."""
    assert name(text) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "''"),
        ("../x", "'../x'"),
        ("/etc", "'/etc'"),
        ("bike\n", "'bike\\n'"),
        ("b\u0456ke", "'b\\u0456ke'"),
        ("bike\x00", "'bike\\x00'"),
        ("Bike", "'Bike'"),
        ("2m", "'2m'"),
        ("_m", "'_m'"),
        ("bike-demand", "'bike-demand'"),
        ("m\u0663", "'m\\u0663'"),
        ("x" * 101, f"'{'x' * 39}... (101 characters)"),
    ],
)
def test_what_is_no_name_is_refused(text: str, found: str) -> None:
    """Paths, line ends, look-alikes, NUL and what is too long, each shown in ASCII."""
    with pytest.raises(DefinitionError) as caught:
        name(text)
    assert str(caught.value) == f"name: {ALLOWED}, got {found} [NAME_INVALID]"


@pytest.mark.parametrize("text", ["bikes", "Event_At", "_x", "x" * 63])
def test_plain_identifiers_pass(text: str) -> None:
    """A column comes back as it is."""
    assert identifier(text) == text


@pytest.mark.parametrize("text", ['a"b', "a;b", "a b", "a.b", "1a", "a\n", "x" * 64, "a'"])
def test_quotes_and_semicolons_are_no_identifiers(text: str) -> None:
    """What would need quoting is refused, never quoted."""
    with pytest.raises(DefinitionError) as caught:
        identifier(text)
    assert str(caught.value) == f"column: must be letters, digits and underscores, got {shown(text)} [IDENTIFIER_INVALID]"


@pytest.mark.parametrize("text", ["_position", "_Reasons"])
def test_a_column_is_not_named_like_one_that_is_added_to_refused_rows(text: str) -> None:
    """They would be there twice."""
    with pytest.raises(DefinitionError) as caught:
        column(text)
    message = "must not be _position or _reasons, which Perennial adds to refused rows"
    assert str(caught.value) == f"column: {message}, got '{text}' [IDENTIFIER_RESERVED]"
    assert column("_x") == "_x"


def test_a_table_may_have_its_schema_before_a_dot() -> None:
    """One dot, not two."""
    assert table("public.demand") == "public.demand"
    with pytest.raises(DefinitionError) as caught:
        table("db.public.demand")
    assert caught.value.code == "IDENTIFIER_INVALID"


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://bob:pa@ss@host/db",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789",
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "dGhpcyBpcyBhIHNlY3JldCBrZXk5Qq",
    ],
)
def test_what_looks_like_a_secret_is_not_shown(value: str) -> None:
    """Addresses with passwords, keys of known kinds, and long runs of mixed letters and digits."""
    assert shown(f"x {value}") == HIDDEN


@pytest.mark.parametrize(
    "key", ["password", "db_password", "PASSWD", "secret", "api_key", "access-key-secret", "auth_token", "pwd"]
)
def test_nothing_under_a_secret_key_is_shown(key: str) -> None:
    """However harmless it looks, and however deep it lies."""
    assert shown(3, ["source", key, "inner"]) == HIDDEN


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (-0.1, "-0.1"),
        (3, "3"),
        ("a{b}", "'a{b}'"),
        ({"a": 1}, "a mapping"),
        ([1], "a list"),
        ("temperature_celsius_mean_of_2024", "'temperature_celsius_mean_of_2024'"),
        ("x" * 1_000_000, f"'{'x' * 39}... (1000000 characters)"),
    ],
)
def test_plain_values_are_shown(value: object, text: str) -> None:
    """Short, in ASCII, and never the inside of a list or mapping."""
    assert shown(value, ["passenger_count"]) == text
