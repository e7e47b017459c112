"""Whatever stands in a file, loading it ends in a definition or in a DefinitionError, and both YAML parsers find the same."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennial.core.errors import DefinitionError
from perennial.definition import yaml_nodes
from perennial.definition.document import Document
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.definition.yaml_nodes import read_document

Loc = tuple[str | int, ...]
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(-1e9, 1e9)
    | st.text(max_size=5)
    | st.sampled_from(["7d", "bikes", "mae"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SAME_FILE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # every example writes the file anew


def load_text(path: Path, text: str) -> Definition | None:
    """Return the definition in *text*, or None where it is refused as it should be."""
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        return load(path)
    except DefinitionError as error:
        misplaced = [fault for fault in error.faults if str(path) not in fault.where]
    assert misplaced == []
    return None


def places(value: object, loc: Loc = ()) -> list[Loc]:
    """Return where every value of a document stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [loc, *(place for key, inner in items for place in places(inner, (*loc, key)))]


def put(value: object, loc: Loc, new: object) -> object:
    """Return a copy of *value* with *new* at *loc*."""
    if not loc:
        return new
    copy = deepcopy(value)
    inner = Document(Path(), copy).at(loc[:-1])
    assert isinstance(inner, dict | list)
    inner[loc[-1]] = new  # type: ignore[index]  # the place is one of this very value
    return copy


@settings(max_examples=150, deadline=None, suppress_health_check=SAME_FILE)
@given(data=st.data())
def test_any_value_anywhere_is_taken_or_refused(tmp_path: Path, good: str, data: st.DataObject) -> None:
    """Up to three values of a good definition are exchanged for others; JSON is YAML."""
    path = tmp_path / "bike_demand.yml"
    path.write_text(good)
    value = read_document(path).value
    for _ in range(data.draw(st.integers(1, 3))):
        value = put(value, data.draw(st.sampled_from(places(value))), data.draw(JUNK))
    load_text(path, json.dumps(value, ensure_ascii=False))


@settings(max_examples=150, deadline=None, suppress_health_check=SAME_FILE)
@given(data=st.data())
def test_any_damage_to_the_text_is_taken_or_refused(tmp_path: Path, good: str, data: st.DataObject) -> None:
    """A piece of the text is replaced by a few odd characters."""
    start = data.draw(st.integers(0, len(good)))
    end = start + data.draw(st.integers(0, 20))
    odd = data.draw(st.text(st.sampled_from("*&!|>%@`'\"{}[],:?#- \n\t~<=01eE.+_nay\u00e9\x00\u2028"), max_size=6))
    load_text(tmp_path / "bike_demand.yml", good[:start] + odd + good[end:])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner: fleet team", "owner: fleet team"),
        ("owner: fleet team", "owner: no\ntitle: again\n<<: {a: 1}"),
        ("owner: fleet team", "owner: &o !!str x"),
        ("table: demand", "table: *demand"),
        ("[temperature]", "[012, '012', 1e3, 0.5, .nan]"),
        ("[temperature]", "{? [a] : b, 1: 2}"),
        ("[temperature]", "|\n    text\n    more"),
    ],
)
def test_both_yaml_parsers_find_the_same(tmp_path: Path, good: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without its C parser, only the speed differs."""
    path = tmp_path / "bike_demand.yml"
    path.write_text(good.replace(old, new))
    fast = read_document(path)
    monkeypatch.setattr(yaml_nodes, "_LOADER", yaml.SafeLoader)
    assert read_document(path) == fast


def test_the_slow_parser_too_stops_at_deep_nesting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand levels are no RecursionError there either."""
    path = tmp_path / "m.yml"
    path.write_text("a: " + "[" * 1000)
    monkeypatch.setattr(yaml_nodes, "_LOADER", yaml.SafeLoader)
    with pytest.raises(DefinitionError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:1: a[0][0]: must be nested at most 20 deep [DEFINITION_TOO_DEEP]"
