"""The records that a model card is made of."""

from __future__ import annotations

from pydantic import JsonValue

from perennial.core.receipts import Moment, Promotion, Receipt


class Described(Receipt):
    """What the definition says of a model. *changed*: its file says something else than when the version was trained.

    *of_then*: all of this is what it said then; otherwise that was not kept, and this is what it says now.

    *parameters* are the estimator's, *search* what is searched for; *relation* is the table, the query or the path.
    """

    title: str
    purpose: str
    owner: str
    kpi: str
    approximation: str
    estimator: str
    parameters: dict[str, JsonValue]
    search: dict[str, JsonValue] | None
    connection: str
    relation: str
    label: str
    label_delay: str
    label_latest: str | None
    metric: str
    changed: bool
    of_then: bool


class Fitted(Receipt):
    """What the version's signed manifest says: the features in the model's order, and what it was fitted with.

    *versions* are those that it may not be loaded without; *other_versions* were there, too.
    """

    task: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    time: tuple[str, ...]
    timezone: str
    versions: dict[str, str]
    other_versions: dict[str, str]


class Seen(Receipt):
    """What the training rows held of one column, as counts.

    Of numbers: nearly all lie between *low* and *high*, all but *outside* rows; *mean* and *deviation* in the column's unit.
    Of a limited number of values: how many *values* there were. What is not told of a column is None.
    """

    column: str
    rows: int
    missing: int
    low: float | None = None
    high: float | None = None
    outside: int | None = None
    mean: float | None = None
    deviation: float | None = None
    values: int | None = None


class Learnt(Receipt):
    """What the training rows held: on how many days (in UTC) there were any, and what of each column."""

    days: int
    columns: tuple[Seen, ...]


class Reign(Receipt):
    """A promotion, and from when on a later row of the ledger was in force instead; None where there is none."""

    promotion: Promotion
    until: Moment | None
