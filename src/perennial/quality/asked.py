"""One expectation that is asked of rows: what it needs to see, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from perennial.quality.catalog import SUPPORTED, columns
from perennial.quality.column import Kind, Misfit, kind_of
from perennial.quality.figures import Figure, figure_of, fit, held, is_figure
from perennial.quality.findings import Outcome
from perennial.quality.limits import Limits
from perennial.quality.marks import Marks
from perennial.quality.plain import Plain
from perennial.quality.repeats import Repeats
from perennial.quality.row_rules import RowRule, is_row_rule, row_rule
from perennial.quality.rows import Rows
from perennial.quality.scan import Apart, Batch, Parted

Arguments = Mapping[str, object]
NO_FIGURE = "its figure cannot be computed from the values that there are"


class ByRow:
    """Marks the rows that do not meet a rule about single rows."""

    def __init__(self, names: Sequence[str], rule: RowRule) -> None:
        """Ask *rule* of the columns *names*."""
        self.columns = names
        self.marks = Marks()
        self.considered = 0
        self._rule = rule

    def see(self, batch: Batch) -> None:
        """Mark the rows of *batch* that do not meet the rule."""
        seen = self._rule(batch)
        self.considered += seen.considered
        if seen.unexpected is not None:
            self.marks.add(batch.start, seen.unexpected)

    def again(self) -> bool:
        """One pass suffices."""
        return False

    def apart(self) -> ByRow:
        """Return one for a piece of the rows."""
        return ByRow(self.columns, self._rule)

    def told(self) -> Plain:
        """Return what was seen of a piece."""
        return self.considered, self.marks.told()

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        self.considered += told[0]
        self.marks.take(told[1])


class Fitting:
    """Sees rows for a tally of which a piece may have values that do not fit."""

    def __init__(self, tally: Apart) -> None:
        """See rows for *tally*."""
        self.columns = tally.columns
        self._tally = tally
        self._fits = True

    def see(self, batch: Batch) -> None:
        """Look at *batch*, unless something did not fit."""
        if self._fits:
            try:
                self._tally.see(batch)
            except Misfit:
                self._fits = False

    def told(self) -> Plain:
        """Return what was seen; nothing where something did not fit."""
        return [self._tally.told()] if self._fits else []


class Asked:
    """An expectation, with who looks for it and how its outcome is drawn. It is a tally itself, and stops where nothing fits."""

    def __init__(self, type: str, arguments: Arguments, tally: Parted | None, conclude: Callable[[], Outcome], misfit: str) -> None:  # noqa: A002 - the definition's own word
        """Carry an expectation.

        Args:
            type: Its name.
            arguments: Its arguments.
            tally: Who looks at the rows for it; None where that is not needed.
            conclude: Draws the outcome after the last pass.
            misfit: What to say where the columns do not fit.
        """
        self._type, self._arguments = type, arguments
        self._tally, self._conclude, self._misfit = tally, conclude, misfit
        self._fits = True

    @property
    def columns(self) -> Sequence[str]:
        """The columns that it looks at."""
        return self._tally.columns if self._tally else ()

    @property
    def looks(self) -> bool:
        """Whether it needs to see rows at all."""
        return self._tally is not None

    def see(self, batch: Batch) -> None:
        """Look at *batch*."""
        if self._tally and self._fits:
            try:
                self._tally.see(batch)
            except Misfit:
                self._fits = False

    def again(self) -> bool:
        """Return whether another pass is needed."""
        return self._fits and self._tally is not None and self._tally.again()

    def apart(self) -> Fitting:
        """Return who looks at a piece of the rows. It leaves how the outcome is drawn here."""
        return Fitting(self._tally.apart())  # type: ignore[union-attr] # who is asked for this looks

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        self._fits = self._fits and bool(told)
        if self._fits:
            self._tally.take(told[0])  # type: ignore[union-attr] # the same

    def outcome(self) -> Outcome:
        """Return what was found."""
        try:
            return self._conclude() if self._fits else _blocked(self._type, self._arguments, self._misfit)
        except Misfit:
            return _blocked(self._type, self._arguments, self._misfit)


def ask(rows: Rows, type: str, arguments: Arguments) -> Asked:  # noqa: A002 - the definition's own word
    """Return an expectation without faults, ready to be asked of *rows*."""
    kinds = {name: kind_of(rows.schema.field(name).type) for name in columns(type, arguments) if rows.schema.names.count(name) == 1}
    misfit = f"the type does not fit: {', '.join(f'{name} is {kind}' for name, kind in kinds.items())}"
    obstacle = _obstacle(rows, type, arguments)
    if not obstacle and not _fits(type, arguments, kinds):
        obstacle = misfit
    if obstacle:
        return Asked(type, arguments, None, lambda: _blocked(type, arguments, obstacle), misfit)
    tally, conclude = _ways(rows, type, arguments, kinds)
    return Asked(type, arguments, tally, conclude, misfit)


def _ways(rows: Rows, type_: str, arguments: Arguments, kinds: Mapping[str, Kind]) -> tuple[Parted | None, Callable[[], Outcome]]:
    names = columns(type_, arguments)
    if is_row_rule(type_):
        by_row = ByRow(names, row_rule(type_, arguments))
        return by_row, lambda: _of_rows(type_, arguments, by_row.marks, by_row.considered)
    if SUPPORTED[type_].by_row:
        repeats = _repeats(rows, type_, arguments, kinds)
        return repeats, lambda: _of_rows(type_, arguments, repeats.marks, repeats.considered)
    if is_figure(type_):
        tally, figure = figure_of(type_, names[0], rows.num_rows)
        return tally, lambda: _of_figure(type_, arguments, figure, kinds[names[0]])
    success = _exists(rows, arguments) if names else Limits.of(arguments).holds(rows.num_rows)
    return None, lambda: Outcome(type_, arguments, success=success, figure=None if names else rows.num_rows)


def _repeats(rows: Rows, type_: str, arguments: Arguments, kinds: Mapping[str, Kind]) -> Repeats:
    together = type_ == "expect_compound_columns_to_be_unique"
    ignored = str(arguments.get("ignore_row_if", "all_values_are_missing")) if together else "any_value_is_missing"
    return Repeats(columns(type_, arguments), rows.num_rows, ignored=ignored, in_order=Kind.MOMENT in kinds.values())


def _of_rows(type_: str, arguments: Arguments, marks: Marks, considered: int) -> Outcome:
    """Draw the outcome of an expectation about rows. Where none was considered, it is met."""
    share = (considered - marks.count) / considered if considered else 1.0
    mostly = arguments.get("mostly", 1)
    success = not isinstance(mostly, int | float) or share >= mostly
    return Outcome(type_, arguments, success=success, marks=marks, considered=considered)


def _of_figure(type_: str, arguments: Arguments, figure: Figure, kind: Kind) -> Outcome:
    success, told = held(type_, figure(), arguments, kind)
    return _blocked(type_, arguments, NO_FIGURE) if told is None else Outcome(type_, arguments, success=success, figure=told)


def _exists(rows: Rows, arguments: Arguments) -> bool:
    """Return whether a column exists. Position 0 is not looked at, as Great Expectations does not."""
    index, names = arguments.get("column_index"), rows.schema.names
    if isinstance(index, int) and index:
        return index < len(names) and bool(names[index] == arguments["column"])
    return arguments["column"] in names


def _fits(type_: str, arguments: Arguments, kinds: Mapping[str, Kind]) -> bool:
    """Return whether the columns are of kinds that an expectation can be asked of, as far as that is known before looking."""
    try:
        if is_figure(type_):
            fit(type_, kinds[str(arguments["column"])])
    except Misfit:
        return False
    repeats = SUPPORTED[type_].by_row and not is_row_rule(type_)
    return not (repeats and Kind.OTHER in kinds.values())


def _obstacle(rows: Rows, type_: str, arguments: Arguments) -> str:
    """Return why an expectation cannot be checked, as far as that is known before looking at a value."""
    counts = {name: rows.schema.names.count(name) for name in columns(type_, arguments)}
    if twice := [name for name, count in counts.items() if count > 1]:
        return f"there are several columns {', '.join(twice)}"
    absent = [name for name, count in counts.items() if count == 0]
    if absent and type_ != "expect_column_to_exist":
        return f"there is no column {', '.join(absent)}"
    return "there are no rows" if SUPPORTED[type_].by_row and rows.num_rows == 0 else ""


def _blocked(type_: str, arguments: Arguments, obstacle: str) -> Outcome:
    return Outcome(type_, arguments, success=False, obstacle=obstacle)
