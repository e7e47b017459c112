"""What YAML lets through and a definition does not, each with its code and line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.definition.loader import load
from perennial.definition.yaml_nodes import read_document

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., list[str]]
    Write = Callable[..., Path]


def refused(path: Path, content: bytes) -> str:
    """Return what reading *content* from *path* says."""
    path.write_bytes(content)
    with pytest.raises(DefinitionError) as caught:
        load(path)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file below the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path("m.yml")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("no", "must be false, or quoted if it is text: YAML readers differ about it, got no"),
        ("On", "must be true, or quoted if it is text: YAML readers differ about it, got On"),
        ("y", "must be true, or quoted if it is text: YAML readers differ about it, got y"),
        ("1:30", "must be a decimal number, or quoted if it is text: YAML readers differ about it, got 1:30"),
        ("012", "must be 12, or quoted if it is text: YAML readers differ about it, got 012"),
        ("08", "must be 8, or quoted if it is text: YAML readers differ about it, got 08"),
        ("0o12", "must be a decimal number, or quoted if it is text: YAML readers differ about it, got 0o12"),
        ("0x1F", "must be a decimal number, or quoted if it is text: YAML readers differ about it, got 0x1F"),
        ("0b11", "must be a decimal number, or quoted if it is text: YAML readers differ about it, got 0b11"),
        ("1e3", "must be 1000.0, or quoted if it is text: YAML readers differ about it, got 1e3"),
        ("1e400", "must be a decimal number, or quoted if it is text: YAML readers differ about it, got 1e400"),
        ("1_000", "must be 1000, or quoted if it is text: YAML readers differ about it, got 1_000"),
        (".5", "must be 0.5, or quoted if it is text: YAML readers differ about it, got .5"),
        ("5.", "must be 5.0, or quoted if it is text: YAML readers differ about it, got 5."),
        ("<<", "must be quoted if it is text: YAML readers differ about it, got <<"),
        ("=", "must be quoted if it is text: YAML readers differ about it, got ="),
    ],
)
def test_what_yaml_readers_differ_about_is_refused(said: Said, written: str, message: str) -> None:
    """A plain scalar that YAML 1.1 and 1.2 read differently is DEFINITION_TYPE, at its line, and nothing else is said of it."""
    assert said(("owner: fleet team", f"owner: {written}")) == [f"4: owner: {message} [DEFINITION_TYPE]"]


@pytest.mark.parametrize("written", ['"no"', "'012'", "24h", "1.2.3", "2024-03-01", "no way", "e3", "+", "0.0.1"])
def test_text_is_text(write: Write, written: str) -> None:
    """What is quoted, or looks like no number to anybody, is text."""
    assert load(write(("owner: fleet team", f"owner: {written}"))).owner == written.strip("'\"")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0.50", 0.5),
        ("1.5e+2", 150.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
    ],
)
def test_what_readers_agree_about_is_taken(path: Path, written: str, value: object) -> None:
    """Numbers, booleans and null that mean the same to every reader are what they are."""
    path.write_text(f"a: {written}\n")
    assert read_document(path).value == {"a": value}


@pytest.mark.parametrize("written", [".nan", ".inf", "-.Inf", "1.0e+999"])
def test_a_number_that_is_not_finite_is_out_of_range(said: Said, written: str) -> None:
    """NaN and infinity are refused wherever they stand, also where any JSON value may."""
    assert said(("{column: temperature}", f"{{column: temperature, mostly: {written}}}")) == [
        f"26: expectations[0].arguments.mostly: must be a finite number, got {written} [DEFINITION_RANGE]"
    ]


def test_an_integer_beyond_64_bits_is_out_of_range(said: Said) -> None:
    """A number that other readers of the schema cannot hold is refused, and read in no time."""
    assert said(("{column: temperature}", f"{{column: temperature, mostly: {'9' * 5000}}}")) == [
        (
            "26: expectations[0].arguments.mostly: must lie between -9223372036854775807 and 9223372036854775807, "
            f"got {'9' * 39}... (5000 characters) [DEFINITION_RANGE]"
        )
    ]


def test_a_key_that_stands_twice_is_told_at_its_second_line(said: Said) -> None:
    """YAML readers silently take the last of two; here both lines are named."""
    assert said(("owner: fleet team", "title: another\nowner: fleet team")) == [
        "4: title: stands twice, first in line 2 [DEFINITION_DUPLICATE_KEY]"
    ]


def test_a_section_that_stands_twice_still_has_its_own_faults_told(said: Said) -> None:
    """A duplicate hides neither what is wrong in the first nor in the second section."""
    assert said(("  metric: mae\n", "  metric: mea\n"), ("retraining:\n", "evaluation:\n  holdout: 012\nretraining:\n")) == [
        (
            "29: evaluation.metric: must be 'mae', 'rmse', 'r2', 'bias', 'mape', 'pinball', 'log_loss', 'brier', 'roc_auc', "
            "'average_precision', 'accuracy', 'calibration_error' or 'calibration_slope', got 'mea' [DEFINITION_RANGE]"
        ),
        "32: evaluation: stands twice, first in line 28 [DEFINITION_DUPLICATE_KEY]",
        "33: evaluation.holdout: must be 12, or quoted if it is text: YAML readers differ about it, got 012 [DEFINITION_TYPE]",
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("!!python/object/apply:os.getcwd []", "must be without a tag, got 'tag:yaml.org,2002:python/object/apply:os.getcwd'"),
        ("!secret x", "must be without a tag, got '!secret'"),
        ("!!str 12", "must be without a tag, got 'tag:yaml.org,2002:str'"),
    ],
)
def test_a_tag_is_refused(said: Said, written: str, message: str) -> None:
    """No tag constructs anything, not even a harmless one."""
    assert said(("owner: fleet team", f"owner: {written}")) == [f"4: owner: {message} [DEFINITION_TAG]"]


def test_anchors_and_aliases_are_refused(said: Said) -> None:
    """Both ends of a reference are told, each at its line."""
    assert said(("owner: fleet team", "owner: &team fleet team"), ("table: demand", "table: *team")) == [
        "4: owner: must be without an anchor [DEFINITION_ALIAS]",
        "8: source.table: must be written out, got an alias [DEFINITION_ALIAS]",
    ]


def test_an_alias_bomb_costs_nothing(path: Path) -> None:
    """Aliases are never expanded: nine to the power of nine items take no time and no memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    message = refused(path, "\n".join(lines).encode())
    assert message.splitlines()[0] == "m.yml:1: a0: must be without an anchor [DEFINITION_ALIAS]"
    assert len(message.splitlines()) == 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: " + "[" * 1000 + "]" * 1000, "m.yml:1: a[0][0]: must be nested at most 20 deep [DEFINITION_TOO_DEEP]"),
        ("[" * 900_000, "m.yml:1: [0][0][0]: must be nested at most 20 deep [DEFINITION_TOO_DEEP]"),
        (
            "\n".join(" " * depth + "a:" for depth in range(1000)),
            "m.yml:21: a.a.a: must be nested at most 20 deep [DEFINITION_TOO_DEEP]",
        ),
    ],
    ids=["flow", "open", "block"],
)
def test_deep_nesting_is_refused_before_it_is_followed(path: Path, content: str, message: str) -> None:
    """A thousand levels are neither a crash nor a RecursionError."""
    assert refused(path, content.encode()) == message


def test_a_file_over_one_megabyte_is_refused(path: Path) -> None:
    """The cap is on bytes, and what lies behind it is not read."""
    assert refused(path, b"#" * 1_000_001) == "m.yml: must be at most 1000000 bytes, got 1000001 [DEFINITION_TOO_LARGE]"


def test_what_is_not_utf8_is_told_with_its_offset(path: Path) -> None:
    """The byte and its offset in the file are named."""
    content = "name: m\ntitle: Zürich".encode("latin-1")
    assert refused(path, content) == "m.yml:2: must be UTF-8, got the byte 0xfc at offset 16 [DEFINITION_ENCODING]"


def test_utf16_is_not_utf8(path: Path) -> None:
    """A file of another encoding is told so at its first byte."""
    content = "name: m".encode("utf-16")
    assert refused(path, content) == "m.yml:1: must be UTF-8, got the byte 0xff at offset 0 [DEFINITION_ENCODING]"


def test_a_byte_order_mark_is_no_fault(path: Path) -> None:
    """What some editors write in front of UTF-8 is left out."""
    path.write_bytes(b"\xef\xbb\xbfname: m")
    assert read_document(path).value == {"name": "m"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: [1\nc: 2", "m.yml:3:2: must be YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        ("a: x\n\tb: 1", "m.yml:2:1: must be YAML: while scanning a plain scalar, found a tab character that violates indentation"),
        ("a: 1\nb: \x00", "m.yml:2:4: must be YAML: the character U+0000 may stand only as an escape in double quotes"),
        ("a: 1\n---\nb: 2", "m.yml:2: must be one YAML document, got a second one"),
    ],
)
def test_what_is_not_yaml_is_told_with_line_and_column(path: Path, content: str, message: str) -> None:
    """Syntax errors say where, and do not repeat the line itself, which may hold a secret."""
    assert refused(path, content.encode()) == f"{message} [DEFINITION_SYNTAX]"


def test_what_was_found_before_a_syntax_error_is_told_too(path: Path) -> None:
    """A syntax error ends the reading, but loses nothing."""
    assert refused(path, b"a: no\nb: [1\nc: 2") == (
        "m.yml:1: a: must be false, or quoted if it is text: YAML readers differ about it, got no [DEFINITION_TYPE]\n"
        "m.yml:3:2: must be YAML: while parsing a flow sequence, did not find expected ',' or ']' [DEFINITION_SYNTAX]"
    )


@pytest.mark.parametrize(
    ("key", "messages"),
    [
        ("1", ['"1": must be quoted, keys are text [DEFINITION_TYPE]']),
        ("[a]", ["must have keys that are text, got a list as a key [DEFINITION_TYPE]"]),
        ("{a: b}", ["must have keys that are text, got a mapping as a key [DEFINITION_TYPE]"]),
    ],
)
def test_keys_are_text(path: Path, key: str, messages: list[str]) -> None:
    """A key that is no text is told at its line, and the reading goes on behind it."""
    path.write_text(f"a: 1\n? {key}\n: 2\nb: 3\n")
    document = read_document(path)
    told = [str(document.fault(finding)).removeprefix("m.yml:2: ") for finding in document.findings]
    assert told == [message.replace('"1"', "1") for message in messages]
    assert isinstance(document.value, dict)
    assert document.value["b"] == 3


def test_words_may_be_keys(write: Write) -> None:
    """A key of ours is never a boolean, so ``on`` needs no quotes."""
    assert load(write()).expectations[0].on == "both"


@pytest.mark.parametrize(("content", "got"), [("", "nothing"), ("[1]", "a list"), ("words", "'words'")])
def test_a_file_holds_a_mapping(path: Path, content: str, got: str) -> None:
    """An empty file, a list and a text are no definition."""
    assert refused(path, content.encode()) == f"m.yml:1: must be a mapping, got {got} [DEFINITION_TYPE]"


def test_a_file_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    """What is not there, or is no file, is said in one line."""
    (tmp_path / "folder.yml").mkdir()
    for name, message in (
        ("none.yml", "must be a readable file, got: No such file or directory"),
        ("folder.yml", "must be a regular file"),
    ):
        with pytest.raises(DefinitionError) as caught:
            load(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {message} [DEFINITION_MISSING]"


def test_many_faults_are_told_up_to_a_hundred(path: Path) -> None:
    """A megabyte of faults neither takes long nor fills a log."""
    message = refused(path, "".join(f"k{index}: {{}}\n" for index in range(60_000)).encode())
    assert len(message.splitlines()) == 100
    assert Code.DEFINITION_UNKNOWN_KEY in message
