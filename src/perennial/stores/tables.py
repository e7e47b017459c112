"""The ledger's tables, in a schema of their own. ``migrations/`` makes them; a test holds the two together.

A column is called like the receipt's field. An interval is two columns, ``<field>_start`` and ``<field>_end``; what has no
column of its own in a receipt (findings, gates, signals) is JSONB.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from perennial.core.receipts import Action, BatchState, PromotionKind, Purpose, RequestState, Role, SignalState, Verdict

SCHEMA = "perennial"
VERSION_TABLE = "schema_version"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _whole(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _figure(name: str, *, null: bool = True) -> Column[float]:
    return Column(name, Double, nullable=null)


def _json(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, JSONB(none_as_null=True), nullable=null)


def _at(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False)


def _span(name: str = "interval") -> list[Column[object]]:
    return [_at(f"{name}_start"), _at(f"{name}_end")]


def _scope() -> list[Column[str]]:
    return [_text("model"), _text("segment")]


def _written() -> Column[object]:
    return Column("written_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _said() -> Column[object]:
    """When the record was last recorded, be it again: what was said last of a night stands, also after a glitch in between."""
    return Column("said_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _id(name: str = "id") -> Column[str]:
    return Column(name, Text, primary_key=True)


def _to(name: str, target: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, ForeignKey(f"{SCHEMA}.{target}", ondelete="RESTRICT"), nullable=null, primary_key=key)


def _one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _forward(name: str = "interval") -> CheckConstraint:
    return CheckConstraint(f"{name}_start < {name}_end", name=name)


def _by_interval() -> Index:
    return Index(None, "model", "segment", "interval_start")


snapshot = Table(
    "snapshot",
    metadata,
    _id("digest"),
    *_scope(),
    *_span(),
    _text("purpose"),
    _at("as_of"),
    _whole("rows"),
    _whole("label_rows"),
    _whole("bytes"),
    _json("skew", null=True),
    _written(),
    _said(),
    _forward(),
    _one_of("purpose", Purpose),
    _by_interval(),
)
release = Table(
    "release",
    metadata,
    _id(),
    *_scope(),
    *_span(),
    _to("snapshot", "snapshot.digest"),
    _json("findings"),
    Column("stands", Boolean, nullable=False),
    _text("reason"),
    _text("actor"),
    _written(),
    _said(),
    _forward(),
    _by_interval(),
)
validation = Table(
    "validation",
    metadata,
    _id(),
    *_scope(),
    *_span(),
    _to("snapshot", "snapshot.digest"),
    _text("purpose"),
    _at("as_of"),
    _text("verdict"),
    _whole("rows"),
    _whole("quarantined"),
    _text("quarantine", null=True),
    _json("findings"),
    _text("usual", null=True),
    _to("release", "release.id", null=True),
    _written(),
    _said(),
    _forward(),
    _one_of("purpose", Purpose),
    _one_of("verdict", Verdict),
    _by_interval(),
)
retrain_request = Table(
    "retrain_request",
    metadata,
    _id(),
    *_scope(),
    _at("at"),
    _text("reason"),
    _text("origin"),
    _text("state"),
    _text("claimed_by", null=True),
    Column("claimed_as_of", DateTime(timezone=True)),
    Column("claimed_at", DateTime(timezone=True)),
    _text("outcome", null=True),
    _written(),
    _one_of("state", RequestState),
    Index(None, "model", "segment", "at"),
    Index("retrain_request_one_open_idx", "model", "segment", unique=True, postgresql_where=text("state <> 'done'")),
)
pause = Table(
    "pause",
    metadata,
    _id(),
    *_scope(),
    _at("at"),
    Column("paused", Boolean, nullable=False),
    _text("reason"),
    _text("actor"),
    _written(),
    _said(),
    Index(None, "model", "segment", "at"),
)
message = Table(
    "message",
    metadata,
    _id(),
    *_scope(),
    _at("at"),
    Column("told", Boolean, nullable=False),
    _json("news"),
    _json("carries"),
    _written(),
    _said(),
    Index(None, "model", "segment", "at"),
)
training_run = Table(
    "training_run",
    metadata,
    _id(),
    *_scope(),
    *_span(),
    _to("snapshot", "snapshot.digest"),
    _to("validation", "validation.id"),
    _at("as_of"),
    *_span("trained_on"),
    _whole("rows"),
    _text("definition_digest"),
    _text("code_version"),
    _whole("seed"),
    _text("reason"),
    _to("request", "retrain_request.id", null=True),
    _figure("fit_seconds"),
    Column("fit_memory", BigInteger),
    Column("drawn_from", BigInteger),
    Column("drawn_days", BigInteger),
    _written(),
    _forward(),
    _forward("trained_on"),
    _by_interval(),
)
model_version = Table(
    "model_version",
    metadata,
    _id(),
    _to("training_run", "training_run.id"),
    _text("artifact"),
    _text("baseline"),
    _text("profile"),
    _text("sample", null=True),
    _written(),
    _said(),
    UniqueConstraint("training_run"),
)
evaluation = Table(
    "evaluation",
    metadata,
    _id(),
    *_scope(),
    *_span(),
    _to("challenger", "model_version.id"),
    _to("champion", "model_version.id", null=True),
    _to("snapshot", "snapshot.digest"),
    _at("as_of"),
    *_span("holdout"),
    _whole("rows"),
    _text("verdict"),
    _text("sentence"),
    _json("metrics"),
    _json("gates"),
    _json("importance"),
    _json("cost", null=True),
    _text("outlook", null=True),
    _written(),
    _said(),
    _forward(),
    _forward("holdout"),
    _one_of("verdict", Verdict),
    _by_interval(),
)
approval = Table(
    "approval",
    metadata,
    _id(),
    _to("evaluation", "evaluation.id"),
    _text("verdict"),
    _text("actor"),
    _text("comment"),
    _written(),
    _said(),
    _one_of("verdict", Verdict),
    Index(None, "evaluation"),
)
promotion = Table(
    "promotion",
    metadata,
    Column("model", Text, primary_key=True),
    Column("segment", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    _to("version", "model_version.id", null=True),
    _text("kind"),
    _at("effective_from"),
    _to("evaluation", "evaluation.id", null=True),
    _to("approval", "approval.id", null=True),
    _text("reason"),
    _text("actor"),
    _written(),
    CheckConstraint("epoch >= 1", name="epoch"),
    CheckConstraint("(kind = 'retire') = (version IS NULL)", name="version"),
    _one_of("kind", PromotionKind),
    Index("promotion_once_idx", "evaluation", unique=True, postgresql_where=text("kind = 'promote'")),
)
prediction_batch = Table(
    "prediction_batch",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Text, nullable=False),
    *_scope(),
    *_span(),
    _text("role"),
    _to("version", "model_version.id"),
    _whole("epoch"),
    _to("snapshot", "snapshot.digest"),
    _to("validation", "validation.id"),
    _whole("rows"),
    Column("expired", BigInteger, nullable=False, server_default=text("0")),
    _text("state"),
    _written(),
    UniqueConstraint("id"),
    ForeignKeyConstraint(
        ["model", "segment", "epoch"],
        [f"{SCHEMA}.promotion.model", f"{SCHEMA}.promotion.segment", f"{SCHEMA}.promotion.epoch"],
        ondelete="RESTRICT",
    ),
    _forward(),
    CheckConstraint("expired >= 0", name="expired"),
    _one_of("role", Role),
    _one_of("state", BatchState),
    _by_interval(),
    Index(None, "version"),
    Index(
        "prediction_batch_one_current_idx",
        "model",
        "segment",
        "role",
        "interval_start",
        "interval_end",
        unique=True,
        postgresql_where=text("state = 'current'"),
    ),
)
prediction = Table(
    "prediction",
    metadata,
    # No foreign key: its trigger would run for every row. The migration says what keeps a batch as long as it has rows.
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("entity", Text(collation="C"), primary_key=True),
    Column("event_at", DateTime(timezone=True), primary_key=True),
    _figure("prediction", null=False),
    _figure("low"),
    _figure("high"),
    CheckConstraint("prediction > '-Infinity' AND prediction < 'Infinity'", name="finite"),
    CheckConstraint("(low IS NULL) = (high IS NULL) AND low > '-Infinity' AND low <= high AND high < 'Infinity'", name="bounds"),
    postgresql_partition_by="RANGE (event_at)",
)
outcome = Table(
    "outcome",
    metadata,
    Column("model", Text(collation="C"), primary_key=True),
    Column("segment", Text(collation="C"), primary_key=True),
    Column("event_at", DateTime(timezone=True), primary_key=True),
    Column("entity", Text(collation="C"), primary_key=True),
    Column("available_at", DateTime(timezone=True), primary_key=True),
    _figure("value", null=False),
    _written(),
    CheckConstraint("value > '-Infinity' AND value < 'Infinity'", name="finite"),
)
measurement = Table(
    "measurement",
    metadata,
    _id(),
    *_scope(),
    *_span(),
    _at("as_of"),
    _to("version", "model_version.id", null=True),
    _to("validation", "validation.id"),
    _text("profile", null=True),
    _text("outlook", null=True),
    _json("signals"),
    _written(),
    _said(),
    _forward(),
    _by_interval(),
)
drift_measurement = Table(
    "drift_measurement",
    metadata,
    _to("measurement", "measurement.id", key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _text("column"),
    _figure("psi"),
    _figure("threshold"),
    _whole("n"),
    _text("state"),
    _json("beside", null=True),
    _one_of("state", SignalState),
)
performance_measurement = Table(
    "performance_measurement",
    metadata,
    _to("measurement", "measurement.id", key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    *_span(),
    _text("role"),
    _to("version", "model_version.id"),
    _whole("predicted"),
    _whole("labelled"),
    _figure("loss"),
    _figure("square"),
    _text("slice", null=True),
    _forward(),
    _one_of("role", Role),
)
decision = Table(
    "decision",
    metadata,
    _id(),
    *_scope(),
    *_span(),
    _at("as_of"),
    _text("action"),
    _text("rule"),
    _text("sentence"),
    _json("signals"),
    _to("measurement", "measurement.id"),
    _to("request", "retrain_request.id", null=True),
    _json("otherwise"),
    _written(),
    _said(),
    _forward(),
    _one_of("action", Action),
    _by_interval(),
)
lease = Table(
    "lease",
    metadata,
    Column("model", Text, primary_key=True),
    Column("segment", Text, primary_key=True),
    Column("flow", Text, primary_key=True),
    _text("holder", null=True),
    _whole("token"),
    _at("expires_at"),
)
