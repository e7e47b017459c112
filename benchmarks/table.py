"""The report: one table per stage, with ratios beside their goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data import World
from measure import Goal, Outcome, Stage

OURS = "perennial"
ABOUT = (
    "- Seconds: median (least to most) of all runs, each in a process of its own, the variants in turns. Imports are not counted,",
    "  unless whole processes are compared.",
    "- *Beside ours*: how many times the time of ours. CPU: of the process and its children, not of the database's server.",
    "- Peak: the most memory of the process, with its imports; in brackets how much of it came while the clock ran.",
)


def head(rows: int, runs: int, stages: Sequence[str]) -> list[str]:
    """Return the beginning of the report."""
    return ["# Results of the benchmarks", "", f"`make bench ROWS={rows} RUNS={runs} STAGES={','.join(stages)}`", "", *ABOUT, ""]


def lines(stage: Stage, outcomes: Mapping[str, Outcome], world: World) -> list[str]:
    """Return the table of one stage, and what is to be said below it."""
    title = stage.title.format(rows=f"{world.rows:,}", window=f"{world.window:,}")
    rows = [_row(stage, name, phase, outcomes) for name, outcome in outcomes.items() for phase in outcome.taken]
    reasons = [f"- {stage.variants[name].title}: {outcome.reason}" for name, outcome in outcomes.items() if outcome.reason]
    return [
        "",
        f"## {title[0].upper()}{title[1:]}",
        "",
        "| | s | beside ours | CPU, s | peak, MB |",
        "| --- | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        *(f"- {_judged(stage, goal, outcomes)}" for goal in stage.goals),
        *_memory(stage, outcomes),
        *(["- Not measured:", *(f"  {reason}" for reason in reasons)] if reasons else []),
        f"- Left out: {stage.left_out}",
    ]


def section(doc: str, found: Sequence[str]) -> list[str]:
    """Return a section under the first line of a module's text, with the rest of the text below it."""
    first, _, rest = doc.strip().partition("\n")
    return ["", f"## {first.rstrip('.')}", "", *(" ".join(rest.split()),), "", *found]


def faults(wrong: Sequence[str]) -> list[str]:
    """Return what does not agree."""
    return ["", "## Results that do not agree", "", *(f"- {fault}" for fault in wrong)] if wrong else []


def _row(stage: Stage, name: str, phase: str, outcomes: Mapping[str, Outcome]) -> str:
    taken = outcomes[name].taken[phase]
    seconds = [one.seconds for one in taken]
    ours = outcomes[OURS].taken.get(phase)
    beside = f"{outcomes[name].median(phase) / outcomes[OURS].median(phase):.2f}" if ours else ""
    variant = stage.variants[name]
    title = f"**{variant.title}**" if name == OURS else variant.title
    said = ", ".join(part for part in (title, phase, variant.remark) if part)
    spread = f"{outcomes[name].median(phase):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
    cpu, peak = min(one.cpu for one in taken), max(one.peak for one in taken)
    grown = "" if variant.whole else f" (+{max(one.peak - one.before for one in taken):.0f})"
    return f"| {said} | {spread} | {beside} | {cpu:.2f} | {peak:.0f}{grown} |"


def _judged(stage: Stage, goal: Goal, outcomes: Mapping[str, Outcome]) -> str:
    names = [name for name in goal.peers if goal.peer_phase in outcomes[name].taken]
    what = f"{', or '.join(stage.variants[name].title for name in goal.peers)}{f' ({goal.peer_phase})' if goal.peer_phase else ''}"
    asked = f"at least {goal.faster:g} times as fast as" if goal.faster else f"at most {goal.within:g} times the time of"
    if goal.phase != goal.peer_phase:
        asked = f"{goal.phase}, {asked}"
    if not names or goal.phase not in outcomes[OURS].taken:
        return f"Goal, {asked} {what}: not measured"
    fastest = min(outcomes[name].median(goal.peer_phase) for name in names)
    ours = outcomes[OURS].median(goal.phase)
    found = fastest / ours if goal.faster else ours / fastest
    met = found >= goal.faster if goal.faster else goal.within is not None and found <= goal.within
    return f"Goal, {asked} {what}: {found:.2f}, {'met' if met else '**missed**'}{_bound(stage, goal, outcomes, fastest)}"


def _bound(stage: Stage, goal: Goal, outcomes: Mapping[str, Outcome], fastest: float) -> str:
    """Return what the least that must be done reaches by itself."""
    if not goal.bound or goal.phase not in outcomes[goal.bound].taken:
        return ""
    seconds = outcomes[goal.bound].median(goal.phase)
    alone = fastest / seconds if goal.faster else seconds / fastest
    return f" (by {stage.variants[goal.bound].title}, alone: {alone:.2f})"


def _memory(stage: Stage, outcomes: Mapping[str, Outcome]) -> list[str]:
    taken = [one for phase in outcomes[OURS].taken.values() for one in phase]
    if stage.peak_mb is None or not taken:
        return []
    grown = max(one.peak - one.before for one in taken)
    met = "met" if grown <= stage.peak_mb else "**missed**"
    return [f"- Goal, memory grows by at most {stage.peak_mb:g} MB: {grown:.0f} MB, {met}"]
