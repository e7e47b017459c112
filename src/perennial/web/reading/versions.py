"""Reads the versions of a model and segment."""

from __future__ import annotations

from fastapi import HTTPException

from perennial.core.receipts import Approval, Evaluation, ModelVersion, Promotion
from perennial.web.asking import Asked
from perennial.web.reading.scope import standing_of
from perennial.web.views.versions import Beside, VersionRow, beside, version_rows


def read_versions(asked: Asked) -> list[VersionRow]:
    """Return all versions, the newest first, as of a moment ago where others look at them too; one by itself is read anew.

    Raises:
        HTTPException: 404, there is no such model and segment.
    """
    site, standing = asked.site, standing_of(asked)
    key = (asked.model, asked.segment, standing.epoch, standing.waits)
    return site.versions.get(key, site.now(), site.lately, lambda: _versions(asked))


def _versions(asked: Asked) -> list[VersionRow]:
    ledger = asked.site.stores().ledger
    return version_rows(
        ledger.history(ModelVersion, asked.model, asked.segment),
        ledger.history(Evaluation, asked.model, asked.segment),
        ledger.history(Promotion, asked.model, asked.segment),
        ledger.history(Approval, asked.model, asked.segment),
    )


def read_version(asked: Asked, version: str) -> VersionRow:
    """Return one version of the model and segment.

    Raises:
        HTTPException: 404.
    """
    return _named(asked, version)


def read_beside(asked: Asked, one: str, other: str) -> Beside:
    """Return two versions of the model and segment side by side.

    Raises:
        HTTPException: 404.
    """
    return beside(_named(asked, one), _named(asked, other))


def _named(asked: Asked, version: str) -> VersionRow:
    standing_of(asked)
    found = next((row for row in _versions(asked) if row.version.id == version), None)
    if found is None:
        raise HTTPException(404, "There is no such version of this model and segment.")
    return found
