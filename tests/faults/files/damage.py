"""Loads damaged models, many of them, in processes that may crash: ``python -m tests.faults.files.damage SEED FIRST LAST``.

Each batch is a fork of this process, which has imported everything. A fork tells the number of the case that it begins, so that
whoever ends it is known. The last line out is JSON: how often each kind of damage ended how, and each case that ended wrong.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import warnings
from collections import Counter
from random import Random
from struct import Struct
from typing import Any

from tests.faults.files.damages import sealed, unsealed
from tests.faults.files.models_to_damage import KINDS, Stored, load, predicted, stored
from tests.faults.files.watched import data_bytes, watch

from perennial.core.digest import digest_bytes
from perennial.core.errors import PerennialError

BATCH = 500
PATIENCE_S = 120.0
MEMORY = 1 << 30
BAD = ("crash", "hang", "wrong", "leak", "act")
_CASE = Struct("<I")


def ended(model: Stored, manifest: bytes, content: bytes, digest: str | None) -> str:
    """Return how the load of one damaged model ended, and where it was loaded, how it predicts the other rows."""
    try:
        loaded = load(manifest, content, digest)
    except PerennialError as error:
        return f"refused {error.code}"
    except Exception as error:  # noqa: BLE001 - whatever else it is, it is a fault of ours
        return f"leak {type(error).__name__}"
    try:
        found = predicted(loaded)
    except PerennialError as error:
        return f"refused {error.code} later"
    if found == model.predictions:
        return "same"
    return "wrong" if digest else "other"


def case(number: int, seed: int, models: list[Stored]) -> tuple[str, str]:
    """Return the kind of damage of case *number* and how it ended. Two of five cases are sealed."""
    draw = Random(f"{seed}:{number}")  # noqa: S311 - the same cases in every run
    model = draw.choice(models)
    if number % 5 < 2:
        return "sealed", ended(model, *sealed(draw, model, models), None)
    return "unsealed", ended(model, *unsealed(draw, model, models), digest_bytes(model.manifest))


def work(numbers: range, seed: int, models: list[Stored], out: int) -> None:
    """Go through cases, telling each number before and the counts at the end."""
    limit = data_bytes() + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    seen = watch()
    counts: Counter[str] = Counter()
    bad: list[str] = []
    for number in numbers:
        os.write(out, _CASE.pack(number))
        kind, end = case(number, seed, models)
        counts[f"{kind}: {end}"] += 1
        if seen or end.startswith(BAD):
            bad.append(f"{number} {kind}: {end} {seen}")
            counts[f"{kind}: act"] += bool(seen)
            seen.clear()
    os.write(out, _CASE.pack(0xFFFFFFFF) + json.dumps([counts, bad]).encode())


def batch(numbers: range, seed: int, models: list[Stored]) -> tuple[Counter[str], list[str]]:
    """Go through cases in a fork; where it ends by itself, say at which case, and go on behind it."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            work(numbers, seed, models, outlet)
            status = 0
        finally:
            os._exit(status)
    os.close(outlet)
    told = _told(inlet, child)
    os.close(inlet)
    _, status = os.waitpid(child, 0)
    cases, _, found = told.partition(_CASE.pack(0xFFFFFFFF))
    if found and not status:
        counts, bad = json.loads(found)
        return Counter(counts), bad
    last = _CASE.unpack(cases[-_CASE.size :])[0] if cases else numbers.start
    before, bad_before = batch(range(numbers.start, last), seed, models) if last > numbers.start else (Counter(), [])
    after, bad_after = batch(range(last + 1, numbers.stop), seed, models) if last + 1 < numbers.stop else (Counter(), [])
    what = "hang" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else "crash"
    return before + after + Counter([f"all: {what}"]), [*bad_before, f"{last}: {what} (status {status})", *bad_after]


def _told(inlet: int, child: int) -> bytes:
    """Return all that a fork says; kill it when it says nothing for too long."""
    told = b""
    while True:
        ready, _, _ = select.select([inlet], [], [], PATIENCE_S)
        if not ready:
            os.kill(child, signal.SIGKILL)
        part = os.read(inlet, 1 << 16)
        if not part:
            return told
        told += part


def main(seed: int, first: int, last: int) -> dict[str, Any]:
    """Go through the cases from *first* up to *last*."""
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    models = [stored(name) for name in KINDS]
    counts: Counter[str] = Counter()
    bad: list[str] = []
    for start in range(first, last, BATCH):
        found, wrong = batch(range(start, min(start + BATCH, last)), seed, models)
        counts += found
        bad += wrong
    return {"counts": counts, "bad": bad}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*map(int, sys.argv[1:4]))))
