"""What peers' defaults say of the same rows.

Of each setting the same files are given to the peer, in an environment of its own, and to our tests. Where nothing has moved,
every alarm is false. Ours stands there twice: at a budget of 5 % without any tolerance, which is what peers set out to keep,
and as a definition has it where it says nothing. Peers run at their own defaults. In the settings without a peer's name the
rule is computed here, with SciPy.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from judge_columns import Column, Numbers, normal, values
from judge_nights import alarms, allowed
from judge_quiet import BUDGET, LEVEL
from measure import QUIET, python_of
from scipy import stats

from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import reference_profile
from perennial.monitoring.psi import Floats
from perennial.monitoring.shift.column_drift import HeldColumn, MeasuredColumn, measured_columns
from perennial.monitoring.shift.season import season

MOST_TRIALS = 200
CHUNKS = 20
TIMEOUT_S = 1200
PEERS = {"evidently": ("Evidently", "bench-evidently"), "nannyml": ("NannyML", "bench-nannyml")}
SHIFT = 0.2
_OUTLIER = 1e9


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Rows of a reference and of a night, and what is done with them.

    Attributes:
        key: The name of its files.
        peer: Whose default it is: a key of ``PEERS``, or ``psi`` or ``ks`` where the rule is computed here.
        method: What the peer is told, where not its default.
        told: What the table calls peer and method.
        words: What the rows are.
        column: What each column is drawn like.
        rows: Of the reference.
        tonight: Of the night.
        together: How many columns one trial has.
        quiet: Whether nothing has moved, or what has does not count.
        spoil: Makes the night's cells out of those that were drawn and the reference's.
        figure: Whether the mean PSI is told, and not how many nights alarm.
    """

    key: str
    peer: str
    told: str
    words: str
    column: Column
    rows: int
    tonight: int
    method: str = ""
    together: int = 1
    quiet: bool = True
    spoil: Callable[[np.random.Generator, pa.Array, pa.Array], pa.Array] = lambda _, night, __: night
    figure: bool = False

    def made(self, trials: int) -> tuple[pa.Table, pa.Table]:
        """Draw reference and night, one column for each trial and column of it."""
        rng = np.random.default_rng(list(self.key.encode()))
        old, new = {}, {}
        for place in range(trials * self.together):
            name = f"x{place:05}"
            old[name] = self.column.rows(rng, self.rows)
            new[name] = self.spoil(rng, self.column.rows(rng, self.tonight), old[name])
        return pa.table(old), pa.table(new)


def _mostly_missing(rng: np.random.Generator, night: pa.Array, _: pa.Array) -> pa.Array:
    return pa.array(night.to_numpy(zero_copy_only=False), mask=rng.random(len(night)) < 0.9)


def _one_unseen(rng: np.random.Generator, _: pa.Array, before: pa.Array) -> pa.Array:
    """The reference's own rows in another order, one of which is new."""
    cells = before.to_pylist()
    cells[int(rng.integers(len(cells)))] = "never seen before"
    return pa.array(cells)


def _outlier(_: np.random.Generator, night: pa.Array, __: pa.Array) -> pa.Array:
    found = night.to_numpy(zero_copy_only=False).copy()
    found[0] = _OUTLIER
    return pa.array(found)


def _evidently(key: str, told: str, words: str, column: Column, rows: int, tonight: int, **more: Any) -> Setting:  # noqa: ANN401 - fields of a setting
    named = f"Evidently, {told}"
    return Setting(key=key, peer="evidently", told=named, words=words, column=column, rows=rows, tonight=tonight, **more)


_LOGNORMAL = Numbers("lognormal", lambda rng, rows: rng.lognormal(0, 1, rows), stats.lognorm(1).cdf)
_MOVED = normal(moved=2.0)
_TEN, _FIFTY = values("", 10), values("", 50)
SETTINGS: tuple[Setting, ...] = (
    _evidently("chi10", "chi-squared", "nothing moved: 10 values, 1 000 rows against 1 000", _TEN, 1000, 1000),
    _evidently("chi50", "chi-squared", "nothing moved: 50 values, 1 000 against 1 000", _FIFTY, 1000, 1000),
    _evidently("js50", "Jensen-Shannon", "nothing moved: 50 values, 5 000 against 500", _FIFTY, 5000, 500),
    _evidently("wd", "Wasserstein", "nothing moved: normal, 5 000 against 100", normal(), 5000, 100),
    _evidently("wdlog", "Wasserstein", "nothing moved: lognormal, 5 000 against 100", _LOGNORMAL, 5000, 100),
    Setting(
        key="nmljs",
        peer="nannyml",
        told="NannyML, Jensen-Shannon",
        words="nothing moved: 50 values, 20 chunks of 2 000, and one of 1 000",
        column=_FIFTY,
        rows=CHUNKS * 2000,
        tonight=1000,
    ),
    Setting(
        key="psi20",
        peer="psi",
        told="PSI > 0.2 in deciles",
        words="nothing moved: any of 20 columns, 1 000 against 100",
        column=normal(),
        rows=1000,
        tonight=100,
        together=20,
    ),
    Setting(
        key="ks20",
        peer="ks",
        told="KS, p < 0.05",
        words="nothing moved: any of 20 columns, 1 000 against 1 000",
        column=normal(),
        rows=1000,
        tonight=1000,
        together=20,
    ),
    _evidently("unseen", "chi-squared", "one value never seen before in 1 000 rows", _TEN, 1000, 1000, spoil=_one_unseen),
    _evidently("gone", "KS", "90 % of a column are missing", normal(), 1000, 1000, spoil=_mostly_missing, quiet=False),
)
FIGURES: tuple[Setting, ...] = (
    _evidently("far", "PSI", "a shift of 2 standard deviations", normal(), 1000, 1000, method="psi", figure=True),
    _evidently("farther", "PSI", "the same, and one row of 1e9", normal(), 1000, 1000, method="psi", figure=True),
)


def report(trials: int, _: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the tables."""
    trials = min(trials, MOST_TRIALS)
    with TemporaryDirectory(prefix="perennial-judge-") as folder:
        theirs = {peer: _asked(peer, Path(folder), trials) for peer in PEERS}
        lines = [
            "| peer | rows | its alarms | ours at 5 %, nothing tolerated | ours as a definition has it | right would be |",
            "| --- | --- | ---: | ---: | ---: | --- |",
        ]
        for setting in SETTINGS:
            lines.append(_row(setting, trials, theirs))
            say(lines[-1])
        lines += ["", *_figures(trials, theirs)]
    reasons = [f"- {PEERS[peer][0]} was not measured: {found}" for peer, found in theirs.items() if isinstance(found, str)]
    return [*lines, *(["", *reasons] if reasons else [])]


def _row(setting: Setting, trials: int, theirs: dict[str, Any]) -> str:
    old, new = setting.made(trials)
    strict, usual = ours(setting, old, new)
    right = "none" if setting.quiet else "all"
    good = usual <= allowed(trials, BUDGET) if setting.quiet else usual == trials
    cells = [
        setting.told,
        setting.words,
        _their_alarms(setting, old, new, theirs),
        f"{_percent(strict, trials)}{'' if not setting.quiet or strict <= allowed(trials, LEVEL) else ' (**too many**)'}",
        f"{_percent(usual, trials)}{'' if good else ' (**wrong**)'}",
        right,
    ]
    return f"| {' | '.join(cells)} |"


def ours(setting: Setting, old: pa.Table, new: pa.Table) -> tuple[int, int]:
    """Return on how many nights ours alarms: at 5 % without a tolerance, and as a definition has it."""
    strict = usual = 0
    for start in range(0, old.num_columns, setting.together):
        names = old.column_names[start : start + setting.together]
        found = [measured(setting, old[name], new[name]) for name in names]
        strict += alarms([p for exact, _ in found for p in exact.p_values], LEVEL)
        usual += alarms([p for _, tolerant in found for p in tolerant.p_values], BUDGET)
    return strict, usual


def measured(setting: Setting, old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[MeasuredColumn, MeasuredColumn]:
    """Hold a night against its reference, without any tolerance and with the usual one."""
    kind = "numeric" if isinstance(setting.column, Numbers) else "categorical"
    chunks = CHUNKS if setting.peer == "nannyml" else 1
    number = np.repeat(np.arange(chunks), setting.rows // chunks)
    reference = reference_profile(pa.table({"x": old}), watched={"x": kind}, nights=number)
    night = np.array(profile(reference.edges, pa.table({"x": new})).counts["x"])
    nights = np.array([one.counts["x"] for one in reference.nights.values()])
    held = HeldColumn(reference.edges.columns[0], nights.sum(axis=0), night, nights)
    exact, tolerant = (measured_columns([held], season(range(chunks), None), shift)[0] for shift in (0.0, SHIFT))
    return exact, tolerant


def _figures(trials: int, theirs: dict[str, Any]) -> list[str]:
    """Return the table of how PSI bears one number that is far away."""
    lines = ["| rows, 1 000 against 1 000 | Evidently's PSI, mean | ours, mean |", "| --- | ---: | ---: |"]
    for setting in FIGURES:
        old, new = _moved(setting, trials)
        found = [measured(setting, old[name], new[name])[1].psi for name in old.column_names]
        asked = theirs["evidently"]
        said = "not measured" if isinstance(asked, str) else f"{np.mean(asked[setting.key]['values']):.2g}"
        lines.append(f"| {setting.words} | {said} | {np.mean(found):.2g} |")
    return lines


def _moved(setting: Setting, trials: int) -> tuple[pa.Table, pa.Table]:
    """Draw a reference, and a night that is two standard deviations above it; the same in both settings but for one row."""
    rng = np.random.default_rng(len(FIGURES))
    old, new = {}, {}
    for place in range(trials):
        name = f"x{place:05}"
        old[name], new[name] = setting.column.rows(rng, setting.rows), _MOVED.rows(rng, setting.tonight)
        if setting.key == "farther":
            new[name] = _outlier(rng, new[name], old[name])
    return pa.table(old), pa.table(new)


def _asked(peer: str, folder: Path, trials: int) -> dict[str, Any] | str:
    """Return what a peer says of its settings: for each the alarms and the values of its figure; a reason where it says nothing."""
    venv = PEERS[peer][1]
    if venv not in str(python_of(venv)):
        return "its environment is not there (`make judge` makes it)"
    asked = {}
    for setting in (*SETTINGS, *FIGURES):
        if setting.peer != peer:
            continue
        old, new = _moved(setting, trials) if setting.figure else setting.made(trials)
        pq.write_table(old, folder / f"{setting.key}.reference.parquet")
        pq.write_table(new, folder / f"{setting.key}.night.parquet")
        asked[setting.key] = {"numeric": isinstance(setting.column, Numbers), "method": setting.method, "chunk": 2000}
    script = Path(__file__).with_name(f"judge_{peer}.py")
    environment = {**os.environ, **QUIET, "NML_DISABLE_USAGE_LOGGING": "1"}
    command = [python_of(venv), script, folder, json.dumps(asked)]
    try:
        child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"took over {TIMEOUT_S} s"
    if child.returncode:
        return child.stderr.strip().rpartition("\n")[2][:300] or f"ended with {child.returncode}"
    answer: dict[str, Any] = json.loads(child.stdout.strip().rpartition("\n")[2])
    return answer


def _their_alarms(setting: Setting, old: pa.Table, new: pa.Table, theirs: dict[str, Any]) -> str:
    rules = {"psi": _psi_above, "ks": _ks_below}
    if setting.peer in rules:
        rule = rules[setting.peer]
        each = [rule(_floats(old[name]), _floats(new[name])) for name in old.column_names]
        found: Sequence[bool] = [any(each[i : i + setting.together]) for i in range(0, len(each), setting.together)]
    elif isinstance(theirs[setting.peer], str):
        return "not measured"
    else:
        found = theirs[setting.peer][setting.key]["alarms"]
    return _percent(sum(found), len(found))


def _psi_above(old: Floats, new: Floats) -> bool:
    cuts = np.quantile(old, np.linspace(0, 1, 11)[1:-1])
    shares = [np.bincount(np.searchsorted(cuts, each), minlength=10) / each.size for each in (old, new)]
    p, q = (np.maximum(share, 1e-4) for share in shares)
    return bool(((q - p) * np.log(q / p)).sum() > 0.2)


def _ks_below(old: Floats, new: Floats) -> bool:
    return bool(stats.ks_2samp(old, new).pvalue < 0.05)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _percent(found: int, of: int) -> str:
    return f"{100 * found / of:.0f} %"
