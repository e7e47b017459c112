"""What was refused of a night: its findings, and how many rows for which reason. No value of a row leaves the quarantine."""

from __future__ import annotations

import pyarrow.compute as pc

from perennial.core.interval import Interval
from perennial.core.names import REASONS
from perennial.core.receipts import Finding, Receipt, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.release import last_validation
from perennial.steps.snapshots.stored_parquet import read_stored


class Refusals(Receipt):
    """What was refused. *findings* are those that refuse something; *reasons* are rows by reason, the most frequent first.

    A row may have several reasons. *quarantine* is the digest of the file with the rows.
    """

    interval: Interval
    verdict: Verdict
    rows: int
    quarantined: int
    quarantine: str | None
    findings: tuple[Finding, ...]
    reasons: dict[str, int]


def refusals(definition: Definition, night: Interval, segment: str, stores: Stores) -> Refusals:
    """Return what the last validation of *night* refused.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, of the quarantine.
        RejectedError: MODEL_UNKNOWN, the night was not validated.
    """
    last = last_validation(definition, night, segment, stores)
    return Refusals(
        interval=night,
        verdict=last.verdict,
        rows=last.rows,
        quarantined=last.quarantined,
        quarantine=last.quarantine,
        findings=tuple(finding for finding in last.findings if finding.unexpected or not finding.success),
        reasons={} if last.quarantine is None else _reasons(stores, last.quarantine),
    )


def _reasons(stores: Stores, digest: str) -> dict[str, int]:
    told = read_stored(stores.artifacts, digest, [REASONS]).column(REASONS)
    counted = [(one["values"].as_py(), one["counts"].as_py()) for one in pc.value_counts(pc.list_flatten(told))]
    return dict(sorted(counted, key=lambda pair: (-pair[1], pair[0])))
