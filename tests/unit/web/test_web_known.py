"""Definitions are read again where their file changed, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.web import known
from perennial.web.known import Known


def written(folder: Path, small: dict[str, Any], **changes: Any) -> Path:
    """Write the small definition with changes, and return its file."""
    file = folder / f"{small['name']}.yml"
    file.write_text(yaml.safe_dump({**small, **changes}))
    return file


def test_a_definition_is_read_once_until_its_file_changes(
    tmp_path: Path, small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read one costs more than a page."""
    read: list[Path] = []
    real = known.load
    monkeypatch.setattr(known, "load", lambda file: read.append(file) or real(file))  # type: ignore[func-returns-value]
    written(tmp_path, small)
    definitions = Known(tmp_path)
    assert [definitions.get(small["name"]).title for _ in range(3)] == ["Bikes"] * 3  # type: ignore[union-attr] # it is there
    assert len(read) == 1
    written(tmp_path, small, title="Bikes by the hour")
    assert definitions.get(small["name"]).title == "Bikes by the hour"  # type: ignore[union-attr] # it is there
    assert len(read) == 2


def test_a_broken_definition_is_named_but_not_there(tmp_path: Path, small: dict[str, Any]) -> None:
    """Nor is one that was never written, and one that was removed."""
    file = written(tmp_path, small, owner=7)
    definitions = Known(tmp_path)
    assert (definitions.names(), definitions.get(small["name"]), definitions.get("nothing")) == ([small["name"]], None, None)
    file.unlink()
    assert (definitions.names(), definitions.get(small["name"])) == ([], None)
