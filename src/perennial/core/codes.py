"""The stable codes of all faults, each with its meaning. ``docs/errors.md`` is generated from this list."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A stable name for one kind of fault. Codes are never renamed or reused."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member that equals its name and carries its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    # --- definitions
    DEFINITION_ALIAS = "DEFINITION_ALIAS", "YAML anchors and aliases are not allowed in a definition."
    DEFINITION_COOLDOWN = "DEFINITION_COOLDOWN", "The cooldown is shorter than the scoring interval."
    DEFINITION_CRON = "DEFINITION_CRON", "The cron expression cannot be read, or never fires."
    DEFINITION_DUPLICATE_KEY = "DEFINITION_DUPLICATE_KEY", "A key stands twice in one mapping."
    DEFINITION_DUPLICATE_NAME = "DEFINITION_DUPLICATE_NAME", "Two definitions have one name."
    DEFINITION_ENCODING = "DEFINITION_ENCODING", "The file is not UTF-8."
    DEFINITION_ESTIMATOR = "DEFINITION_ESTIMATOR", "The estimator cannot be imported, or is none."
    DEFINITION_EXPECTATION = "DEFINITION_EXPECTATION", "The expectation is unknown, or its arguments do not fit."
    DEFINITION_LEAKAGE = "DEFINITION_LEAKAGE", "The target stands among the features."
    DEFINITION_MISSING = "DEFINITION_MISSING", "A required key, file or definition is missing."
    DEFINITION_QUERY = "DEFINITION_QUERY", "A query is not a single SELECT statement."
    DEFINITION_RANGE = "DEFINITION_RANGE", "A number or a choice is outside what is allowed."
    DEFINITION_SYNTAX = "DEFINITION_SYNTAX", "The file is not YAML."
    DEFINITION_TAG = "DEFINITION_TAG", "YAML tags are not allowed in a definition."
    DEFINITION_TEMPLATE = "DEFINITION_TEMPLATE", "A template of a notifier cannot be read, or names what no message has."
    DEFINITION_TIMEZONE = "DEFINITION_TIMEZONE", "The timezone is not in the IANA database."
    DEFINITION_TOO_DEEP = "DEFINITION_TOO_DEEP", "The file is nested too deeply."
    DEFINITION_TOO_LARGE = "DEFINITION_TOO_LARGE", "The file is over 1 MB."
    DEFINITION_TYPE = (
        "DEFINITION_TYPE",
        "A value has another type than its field, or is read differently by different YAML readers.",
    )
    DEFINITION_UNKNOWN_KEY = "DEFINITION_UNKNOWN_KEY", "A key is not known here."
    DEFINITION_URL = "DEFINITION_URL", "A connection's URL cannot be read. Percent-encode what is special in its password."
    # --- names
    IDENTIFIER_INVALID = "IDENTIFIER_INVALID", "A table or column is not a plain SQL identifier."
    IDENTIFIER_RESERVED = "IDENTIFIER_RESERVED", "A column has the name of one that Perennial adds to refused rows."
    NAME_INVALID = (
        "NAME_INVALID",
        "A name is not lower-case letters, digits and underscores, starting with a letter, at most 100 long.",
    )
    STORE_ESCAPE = "STORE_ESCAPE", "A path leads out of its store."
    # --- messages
    MESSAGE_UNSENT = "MESSAGE_UNSENT", "A message went out on none of its channels."
    # --- time
    INTERVAL_EMPTY = "INTERVAL_EMPTY", "An interval ends where it starts, or before."
    INTERVAL_OVERLAP = "INTERVAL_OVERLAP", "A batch covers part of another current batch's interval."
    RETRAIN_REFUSED = "RETRAIN_REFUSED", "A cooldown, a budget or another request stands against a retraining by hand."
    RUN_NO_INTERVAL = "RUN_NO_INTERVAL", "A run has no interval, and none can be derived."
    RUN_UNKNOWN_KEY = "RUN_UNKNOWN_KEY", "A run was started with a parameter that does not exist."
    TIME_FUTURE = "TIME_FUTURE", "A row became available after the cut-off."
    TIME_NAIVE = "TIME_NAIVE", "A timestamp has no timezone."
    TIME_OUT_OF_INTERVAL = "TIME_OUT_OF_INTERVAL", "A row lies outside the interval that was asked for."
    # --- data
    CSV_RAGGED = "CSV_RAGGED", "A row of a CSV file has more or fewer fields than its header."
    DATA_DATE_AMBIGUOUS = "DATA_DATE_AMBIGUOUS", "A date does not say which part is the day and which the month."
    DATA_CARDINALITY = "DATA_CARDINALITY", "A categorical feature has more different values than can be learnt or kept."
    DATA_DUPLICATE_KEY = "DATA_DUPLICATE_KEY", "The same entity and event stand twice."
    DATA_EMPTY = "DATA_EMPTY", "There are no rows."
    DATA_ENCODING = "DATA_ENCODING", "Text is not UTF-8."
    DATA_INT_PRECISION = "DATA_INT_PRECISION", "A whole number is too large for its column to keep every digit."
    DATA_NONFINITE = "DATA_NONFINITE", "A target is infinite, or missing where there must be one."
    DATA_NULL_TOKEN = "DATA_NULL_TOKEN", "A word such as NA stands where a number or a moment belongs. Missing is an empty field."
    DATA_NUL = "DATA_NUL", "A text has a NUL character, which PostgreSQL cannot keep."
    DATA_REFUSED = "DATA_REFUSED", "The training data failed its validation, so nothing was trained."
    DATA_TOO_LARGE = (
        "DATA_TOO_LARGE",
        "A file unpacks to far more than its size, or its footer or one value is too large.",
    )
    DATA_UNCHECKED = "DATA_UNCHECKED", "There are no expectations, so nothing was checked."
    DATA_UNORDERED = "DATA_UNORDERED", "A source yields rows in another order than the one it promises."
    FILE_CORRUPT = "FILE_CORRUPT", "A file cannot be read."
    PREDICTION_NONFINITE = "PREDICTION_NONFINITE", "A prediction is NaN or infinite."
    SCHEMA_DUPLICATE = "SCHEMA_DUPLICATE", "A column stands twice."
    PROFILE_EDGES = "PROFILE_EDGES", "Two profiles were counted over different edges."
    SCHEMA_EXTRA = "SCHEMA_EXTRA", "A file has a column that the definition does not declare."
    SCHEMA_MISSING = "SCHEMA_MISSING", "A column is missing."
    SCHEMA_TYPE = "SCHEMA_TYPE", "A column has another type than the definition needs."
    TRAIN_DEGENERATE = "TRAIN_DEGENERATE", "The target is constant or has one class, or too few rows are left to train on."
    SEGMENT_MIXED = "SEGMENT_MIXED", "A source yields rows of another segment than the one that was asked for."
    SEGMENT_OTHERS = "SEGMENT_OTHERS", "Rows belong to none of the model's segments, so nobody predicts them."
    # --- artifacts
    ARTIFACT_CHECKSUM = "ARTIFACT_CHECKSUM", "Bytes do not have the digest under which they were stored."
    ARTIFACT_FORMAT = "ARTIFACT_FORMAT", "The file is not a Perennial model artifact."
    ARTIFACT_MISSING = "ARTIFACT_MISSING", "The store holds no artifact of this digest."
    ARTIFACT_SIGNATURE = "ARTIFACT_SIGNATURE", "The manifest was not signed with this installation's key."
    ARTIFACT_TOO_LARGE = "ARTIFACT_TOO_LARGE", "An artifact is larger than allowed, packed or unpacked."
    ARTIFACT_UNTRUSTED_TYPE = "ARTIFACT_UNTRUSTED_TYPE", "A model holds a type that is not on the list of trusted types."
    ENVIRONMENT_MISMATCH = "ENVIRONMENT_MISMATCH", "A model was fitted with another Python, numpy or scikit-learn."
    MODEL_CORRUPT = "MODEL_CORRUPT", "A model does not predict its golden rows, or a tree points outside itself."
    # --- the workshop
    MEMORY_LIMIT = "MEMORY_LIMIT", "Fitting, loading or trying a model needs more memory than the definition gives it."
    MODEL_CRASHED = "MODEL_CRASHED", "The process in which a model was fitted, loaded or tried crashed."
    MODEL_KILLED = "MODEL_KILLED", "The process in which a model was fitted, loaded or tried was ended from outside. Try again."
    MODEL_TIMEOUT = "MODEL_TIMEOUT", "Fitting, loading or trying a model takes longer than the definition gives it."
    MODEL_UNTRIED = "MODEL_UNTRIED", "No evaluation says that a fresh process could load a version, so nobody else loads it."
    WORKSHOP_ENDED = "WORKSHOP_ENDED", "The process that starts a process for each model did not start, or ended."
    # --- the engine
    ENGINE_FAILED = (
        "ENGINE_FAILED",
        "A part of the rows failed on Spark as often as it was tried, or executors cannot run the work. Nothing was published.",
    )
    ENGINE_UNAVAILABLE = "ENGINE_UNAVAILABLE", "Spark did not start, ended, or has no machine to work on."
    # --- state
    LEASE_HELD = "LEASE_HELD", "Another run holds the model. Try again when it has ended."
    LEASE_LOST = "LEASE_LOST", "A later attempt has taken over; this one may not write any more."
    LEDGER_VERSION = "LEDGER_VERSION", "The ledger's schema is not the one of this code."
    MODEL_UNKNOWN = "MODEL_UNKNOWN", "No such model, version, night or batch."
    NO_CHAMPION = "NO_CHAMPION", "The model has no champion yet."
    PROMOTE_CONFLICT = "PROMOTE_CONFLICT", "The champion changed in the meantime."
    PROMOTE_REFUSED = (
        "PROMOTE_REFUSED",
        "The version may not become champion: it was not evaluated, did not pass, was not approved, or knows of nights to come.",
    )
    REPRODUCE_REFUSED = "REPRODUCE_REFUSED", "A training cannot be repeated: the definition, the code or a library is another one."
    STORE_DENIED = "STORE_DENIED", "The store refuses the credentials or the operation."
    STORE_FULL = "STORE_FULL", "The store has no space left."
    STORE_REJECTED = "STORE_REJECTED", "The store refuses the statement or the data."
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE", "The store cannot be reached, or did not answer in time."
    SETTING_MISSING = "SETTING_MISSING", "A connection or setting is not configured."
    SEGMENT_STOPPED = "SEGMENT_STOPPED", "A step could not be done for a segment, so the next one has nothing to work on."
    SEGMENT_UNKNOWN = "SEGMENT_UNKNOWN", "The model has no such segment, or has several and none is named."
    # --- the local Airflow
    AIRFLOW_REFUSED = (
        "AIRFLOW_REFUSED",
        "Airflow refuses a request: an unknown DAG, a run that exists, a parameter of another type.",
    )
    AIRFLOW_RUNNING = "AIRFLOW_RUNNING", "A local Airflow runs in this folder already."
    AIRFLOW_STOPPED = "AIRFLOW_STOPPED", "A component of the local Airflow did not start, or ended by itself."
    AIRFLOW_TIMEOUT = "AIRFLOW_TIMEOUT", "The local Airflow took too long to start, or a run to end."
