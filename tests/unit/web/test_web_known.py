"""Definitions are read again where their file changed, and only there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from perennial.web.known import Known


def written(folder: Path, small: dict[str, Any], **changes: Any) -> Path:
    """Write the small definition with changes, and return its file."""
    file = folder / f"{small['name']}.yml"
    file.write_text(json.dumps({**small, **changes}))  # which is YAML too, without anchors
    return file


def test_a_definition_is_read_once_until_its_file_changes(tmp_path: Path, small: dict[str, Any]) -> None:
    """To read one costs more than a page."""
    written(tmp_path, small)
    definitions = Known(tmp_path)
    first = definitions.get(small["name"])
    assert first is not None
    assert definitions.get(small["name"]) is first
    written(tmp_path, small, title="Bikes by the hour")
    again = definitions.get(small["name"])
    assert again is not None
    assert again.title == "Bikes by the hour"


def test_a_broken_definition_is_named_but_not_there(tmp_path: Path, small: dict[str, Any]) -> None:
    """Nor is one that was never written, and one that was removed."""
    file = written(tmp_path, small, owner=7)
    definitions = Known(tmp_path)
    assert (definitions.names(), definitions.get(small["name"]), definitions.get("nothing")) == ([small["name"]], None, None)
    file.unlink()
    assert (definitions.names(), definitions.get(small["name"])) == ([], None)
