-- The ledger as it began. Released migrations are never edited; the next change is a new file.

CREATE SCHEMA IF NOT EXISTS perennial;

CREATE TABLE perennial.lease (
    model text NOT NULL,
    segment text NOT NULL,
    flow text NOT NULL,
    holder text,
    token bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT lease_pkey PRIMARY KEY (model, segment, flow)
);

CREATE TABLE perennial.outcome (
    model text COLLATE "C" NOT NULL,
    segment text COLLATE "C" NOT NULL,
    event_at timestamptz NOT NULL,
    entity text COLLATE "C" NOT NULL,
    available_at timestamptz NOT NULL,
    value double precision NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT outcome_pkey PRIMARY KEY (model, segment, event_at, entity, available_at),
    CONSTRAINT outcome_finite_check CHECK (value > '-Infinity' AND value < 'Infinity')
);

CREATE TABLE perennial.retrain_request (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    claimed_by text,
    claimed_as_of timestamptz,
    claimed_at timestamptz,
    outcome text,
    written_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT retrain_request_pkey PRIMARY KEY (id),
    CONSTRAINT retrain_request_state_check CHECK (state IN ('open', 'claimed', 'done'))
);
CREATE INDEX retrain_request_model_segment_at_idx ON perennial.retrain_request (model, segment, at);
CREATE UNIQUE INDEX retrain_request_one_open_idx ON perennial.retrain_request (model, segment) WHERE state <> 'done';

CREATE TABLE perennial.pause (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    at timestamptz NOT NULL,
    paused boolean NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pause_pkey PRIMARY KEY (id)
);
CREATE INDEX pause_model_segment_at_idx ON perennial.pause (model, segment, at);

CREATE TABLE perennial.message (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    at timestamptz NOT NULL,
    told boolean NOT NULL,
    news jsonb NOT NULL,
    carries jsonb NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT message_pkey PRIMARY KEY (id)
);
CREATE INDEX message_model_segment_at_idx ON perennial.message (model, segment, at);

CREATE TABLE perennial.snapshot (
    digest text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    purpose text NOT NULL,
    as_of timestamptz NOT NULL,
    rows bigint NOT NULL,
    label_rows bigint NOT NULL,
    bytes bigint NOT NULL,
    skew jsonb,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT snapshot_pkey PRIMARY KEY (digest),
    CONSTRAINT snapshot_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT snapshot_purpose_check CHECK (purpose IN ('score', 'train'))
);
CREATE INDEX snapshot_model_segment_interval_start_idx ON perennial.snapshot (model, segment, interval_start);

CREATE TABLE perennial.release (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    snapshot text NOT NULL,
    findings jsonb NOT NULL,
    stands boolean NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT release_pkey PRIMARY KEY (id),
    CONSTRAINT release_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT release_snapshot_fkey FOREIGN KEY (snapshot) REFERENCES perennial.snapshot (digest) ON DELETE RESTRICT
);
CREATE INDEX release_model_segment_interval_start_idx ON perennial.release (model, segment, interval_start);

CREATE TABLE perennial.validation (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    snapshot text NOT NULL,
    purpose text NOT NULL,
    as_of timestamptz NOT NULL,
    verdict text NOT NULL,
    rows bigint NOT NULL,
    quarantined bigint NOT NULL,
    quarantine text,
    findings jsonb NOT NULL,
    usual text,
    release text,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT validation_pkey PRIMARY KEY (id),
    CONSTRAINT validation_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT validation_purpose_check CHECK (purpose IN ('score', 'train')),
    CONSTRAINT validation_verdict_check CHECK (verdict IN ('pass', 'fail', 'inconclusive', 'error')),
    CONSTRAINT validation_snapshot_fkey FOREIGN KEY (snapshot) REFERENCES perennial.snapshot (digest) ON DELETE RESTRICT,
    CONSTRAINT validation_release_fkey FOREIGN KEY (release) REFERENCES perennial.release (id) ON DELETE RESTRICT
);
CREATE INDEX validation_model_segment_interval_start_idx ON perennial.validation (model, segment, interval_start);

CREATE TABLE perennial.training_run (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    snapshot text NOT NULL,
    validation text NOT NULL,
    as_of timestamptz NOT NULL,
    trained_on_start timestamptz NOT NULL,
    trained_on_end timestamptz NOT NULL,
    rows bigint NOT NULL,
    definition_digest text NOT NULL,
    code_version text NOT NULL,
    seed bigint NOT NULL,
    reason text NOT NULL,
    request text,
    fit_seconds double precision,
    fit_memory bigint,
    drawn_from bigint,
    drawn_days bigint,
    written_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT training_run_pkey PRIMARY KEY (id),
    CONSTRAINT training_run_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT training_run_trained_on_check CHECK (trained_on_start < trained_on_end),
    CONSTRAINT training_run_snapshot_fkey FOREIGN KEY (snapshot) REFERENCES perennial.snapshot (digest) ON DELETE RESTRICT,
    CONSTRAINT training_run_validation_fkey FOREIGN KEY (validation) REFERENCES perennial.validation (id) ON DELETE RESTRICT,
    CONSTRAINT training_run_request_fkey FOREIGN KEY (request) REFERENCES perennial.retrain_request (id) ON DELETE RESTRICT
);
CREATE INDEX training_run_model_segment_interval_start_idx ON perennial.training_run (model, segment, interval_start);

CREATE TABLE perennial.model_version (
    id text NOT NULL,
    training_run text NOT NULL,
    artifact text NOT NULL,
    baseline text NOT NULL,
    profile text NOT NULL,
    sample text,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT model_version_pkey PRIMARY KEY (id),
    CONSTRAINT model_version_training_run_key UNIQUE (training_run),
    CONSTRAINT model_version_training_run_fkey FOREIGN KEY (training_run) REFERENCES perennial.training_run (id) ON DELETE RESTRICT
);

CREATE TABLE perennial.evaluation (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    challenger text NOT NULL,
    champion text,
    snapshot text NOT NULL,
    as_of timestamptz NOT NULL,
    holdout_start timestamptz NOT NULL,
    holdout_end timestamptz NOT NULL,
    rows bigint NOT NULL,
    verdict text NOT NULL,
    sentence text NOT NULL,
    metrics jsonb NOT NULL,
    gates jsonb NOT NULL,
    importance jsonb NOT NULL,
    cost jsonb,
    outlook text,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT evaluation_pkey PRIMARY KEY (id),
    CONSTRAINT evaluation_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT evaluation_holdout_check CHECK (holdout_start < holdout_end),
    CONSTRAINT evaluation_verdict_check CHECK (verdict IN ('pass', 'fail', 'inconclusive', 'error')),
    CONSTRAINT evaluation_challenger_fkey FOREIGN KEY (challenger) REFERENCES perennial.model_version (id) ON DELETE RESTRICT,
    CONSTRAINT evaluation_champion_fkey FOREIGN KEY (champion) REFERENCES perennial.model_version (id) ON DELETE RESTRICT,
    CONSTRAINT evaluation_snapshot_fkey FOREIGN KEY (snapshot) REFERENCES perennial.snapshot (digest) ON DELETE RESTRICT
);
CREATE INDEX evaluation_model_segment_interval_start_idx ON perennial.evaluation (model, segment, interval_start);

CREATE TABLE perennial.measurement (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    as_of timestamptz NOT NULL,
    version text,
    validation text NOT NULL,
    profile text,
    outlook text,
    signals jsonb NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT measurement_pkey PRIMARY KEY (id),
    CONSTRAINT measurement_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT measurement_version_fkey FOREIGN KEY (version) REFERENCES perennial.model_version (id) ON DELETE RESTRICT,
    CONSTRAINT measurement_validation_fkey FOREIGN KEY (validation) REFERENCES perennial.validation (id) ON DELETE RESTRICT
);
CREATE INDEX measurement_model_segment_interval_start_idx ON perennial.measurement (model, segment, interval_start);

CREATE TABLE perennial.approval (
    id text NOT NULL,
    evaluation text NOT NULL,
    verdict text NOT NULL,
    actor text NOT NULL,
    comment text NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT approval_pkey PRIMARY KEY (id),
    CONSTRAINT approval_verdict_check CHECK (verdict IN ('pass', 'fail', 'inconclusive', 'error')),
    CONSTRAINT approval_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES perennial.evaluation (id) ON DELETE RESTRICT
);
CREATE INDEX approval_evaluation_idx ON perennial.approval (evaluation);

CREATE TABLE perennial.decision (
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    as_of timestamptz NOT NULL,
    action text NOT NULL,
    rule text NOT NULL,
    sentence text NOT NULL,
    signals jsonb NOT NULL,
    measurement text NOT NULL,
    request text,
    otherwise jsonb NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    said_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT decision_pkey PRIMARY KEY (id),
    CONSTRAINT decision_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT decision_action_check CHECK (action IN ('quarantine', 'hold', 'retrain', 'watch', 'keep')),
    CONSTRAINT decision_measurement_fkey FOREIGN KEY (measurement) REFERENCES perennial.measurement (id) ON DELETE RESTRICT,
    CONSTRAINT decision_request_fkey FOREIGN KEY (request) REFERENCES perennial.retrain_request (id) ON DELETE RESTRICT
);
CREATE INDEX decision_model_segment_interval_start_idx ON perennial.decision (model, segment, interval_start);

CREATE TABLE perennial.drift_measurement (
    measurement text NOT NULL,
    position integer NOT NULL,
    "column" text NOT NULL,
    psi double precision,
    threshold double precision,
    n bigint NOT NULL,
    state text NOT NULL,
    beside jsonb,
    CONSTRAINT drift_measurement_pkey PRIMARY KEY (measurement, position),
    CONSTRAINT drift_measurement_state_check CHECK (state IN ('alarm', 'quiet', 'insufficient evidence')),
    CONSTRAINT drift_measurement_measurement_fkey FOREIGN KEY (measurement) REFERENCES perennial.measurement (id) ON DELETE RESTRICT
);

CREATE TABLE perennial.performance_measurement (
    measurement text NOT NULL,
    position integer NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    role text NOT NULL,
    version text NOT NULL,
    predicted bigint NOT NULL,
    labelled bigint NOT NULL,
    loss double precision,
    square double precision,
    slice text,
    CONSTRAINT performance_measurement_pkey PRIMARY KEY (measurement, position),
    CONSTRAINT performance_measurement_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT performance_measurement_role_check CHECK (role IN ('champion', 'shadow', 'baseline')),
    CONSTRAINT performance_measurement_measurement_fkey FOREIGN KEY (measurement) REFERENCES perennial.measurement (id) ON DELETE RESTRICT,
    CONSTRAINT performance_measurement_version_fkey FOREIGN KEY (version) REFERENCES perennial.model_version (id) ON DELETE RESTRICT
);

CREATE TABLE perennial.promotion (
    model text NOT NULL,
    segment text NOT NULL,
    epoch bigint NOT NULL,
    version text,
    kind text NOT NULL,
    effective_from timestamptz NOT NULL,
    evaluation text,
    approval text,
    reason text NOT NULL,
    actor text NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT promotion_pkey PRIMARY KEY (model, segment, epoch),
    CONSTRAINT promotion_epoch_check CHECK (epoch >= 1),
    CONSTRAINT promotion_version_check CHECK ((kind = 'retire') = (version IS NULL)),
    CONSTRAINT promotion_kind_check CHECK (kind IN ('promote', 'rollback', 'retire')),
    CONSTRAINT promotion_version_fkey FOREIGN KEY (version) REFERENCES perennial.model_version (id) ON DELETE RESTRICT,
    CONSTRAINT promotion_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES perennial.evaluation (id) ON DELETE RESTRICT,
    CONSTRAINT promotion_approval_fkey FOREIGN KEY (approval) REFERENCES perennial.approval (id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX promotion_once_idx ON perennial.promotion (evaluation) WHERE kind = 'promote';

CREATE TABLE perennial.prediction_batch (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    interval_start timestamptz NOT NULL,
    interval_end timestamptz NOT NULL,
    role text NOT NULL,
    version text NOT NULL,
    epoch bigint NOT NULL,
    snapshot text NOT NULL,
    validation text NOT NULL,
    rows bigint NOT NULL,
    expired bigint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    written_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT prediction_batch_pkey PRIMARY KEY (number),
    CONSTRAINT prediction_batch_id_key UNIQUE (id),
    CONSTRAINT prediction_batch_model_fkey FOREIGN KEY (model, segment, epoch) REFERENCES perennial.promotion (model, segment, epoch) ON DELETE RESTRICT,
    CONSTRAINT prediction_batch_interval_check CHECK (interval_start < interval_end),
    CONSTRAINT prediction_batch_expired_check CHECK (expired >= 0),
    CONSTRAINT prediction_batch_role_check CHECK (role IN ('champion', 'shadow', 'baseline')),
    CONSTRAINT prediction_batch_state_check CHECK (state IN ('staged', 'current', 'superseded')),
    CONSTRAINT prediction_batch_version_fkey FOREIGN KEY (version) REFERENCES perennial.model_version (id) ON DELETE RESTRICT,
    CONSTRAINT prediction_batch_snapshot_fkey FOREIGN KEY (snapshot) REFERENCES perennial.snapshot (digest) ON DELETE RESTRICT,
    CONSTRAINT prediction_batch_validation_fkey FOREIGN KEY (validation) REFERENCES perennial.validation (id) ON DELETE RESTRICT
);
CREATE INDEX prediction_batch_version_idx ON perennial.prediction_batch (version);
CREATE INDEX prediction_batch_model_segment_interval_start_idx ON perennial.prediction_batch (model, segment, interval_start);
CREATE UNIQUE INDEX prediction_batch_one_current_idx ON perennial.prediction_batch (model, segment, role, interval_start, interval_end) WHERE state = 'current';

-- Partitioned by month, so that old months can go as a whole. Sorted by (entity, event_at), a batch is appended to its index.
-- No foreign key on batch: its trigger would run for every row. A batch's rows are written only in a transaction that made the
-- batch or holds a lock on it, and the triggers below keep a batch for as long as it has rows.
CREATE TABLE perennial.prediction (
    batch bigint NOT NULL,
    entity text COLLATE "C" NOT NULL,
    event_at timestamptz NOT NULL,
    prediction double precision NOT NULL,
    low double precision,
    high double precision,
    CONSTRAINT prediction_pkey PRIMARY KEY (batch, entity, event_at),
    CONSTRAINT prediction_finite_check CHECK (prediction > '-Infinity' AND prediction < 'Infinity'),
    CONSTRAINT prediction_bounds_check CHECK ((low IS NULL) = (high IS NULL) AND low > '-Infinity' AND low <= high AND high < 'Infinity')
) PARTITION BY RANGE (event_at);

CREATE FUNCTION perennial.keep_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR EXISTS (SELECT FROM perennial.prediction WHERE batch = OLD.number) THEN
        RAISE EXCEPTION 'a prediction batch is kept as long as it has predictions' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER prediction_batch_is_named BEFORE DELETE ON perennial.prediction_batch
    FOR EACH ROW EXECUTE FUNCTION perennial.keep_batch();
CREATE TRIGGER prediction_batch_is_kept BEFORE TRUNCATE ON perennial.prediction_batch
    FOR EACH STATEMENT EXECUTE FUNCTION perennial.keep_batch();

-- Months are added and dropped by these two functions, with their owner's rights, so that who writes predictions need not own
-- the table. A new month is made beside the table and then attached, which blocks neither readers nor writers. Whether it is there
-- is read from the catalog: to_regclass may remember what was there before somebody else made it.
CREATE FUNCTION perennial.add_prediction_month(month timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    first timestamptz := date_trunc('month', month);
    name text := to_char(first, '"prediction_"YYYY"m"MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('perennial/prediction', 0));
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'perennial'::regnamespace) THEN
        EXECUTE format('CREATE TABLE perennial.%I (LIKE perennial.prediction INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE perennial.prediction ATTACH PARTITION perennial.%I FOR VALUES FROM (%L) TO (%L)',
            name, first, first + interval '1 month');
    END IF;
END
$$;

CREATE FUNCTION perennial.drop_prediction_month(month timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('perennial/prediction', 0));
    EXECUTE format('DROP TABLE IF EXISTS perennial.%I', to_char(month, '"prediction_"YYYY"m"MM'));
END
$$;

REVOKE ALL ON FUNCTION perennial.add_prediction_month(timestamptz), perennial.drop_prediction_month(timestamptz) FROM PUBLIC;

CREATE FUNCTION perennial.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER promotion_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON perennial.promotion
    FOR EACH STATEMENT EXECUTE FUNCTION perennial.refuse_change();

-- A batch's predictions lie inside its interval. Saying so in the views lets a question that starts with batches leave out all months
-- but theirs.
CREATE VIEW perennial.current_prediction AS
SELECT
    b.model,
    b.segment,
    b.role,
    p.entity,
    p.event_at,
    p.prediction,
    p.low,
    p.high,
    b.written_at AS predicted_at,
    b.version AS model_version,
    b.id AS batch,
    b.interval_start,
    b.interval_end
FROM perennial.prediction p
JOIN perennial.prediction_batch b ON b.number = p.batch AND p.event_at >= b.interval_start AND p.event_at < b.interval_end
WHERE b.state = 'current' AND b.role = 'champion';

COMMENT ON VIEW perennial.current_prediction IS
    'The predictions in use: the champion''s, one row per model, segment, entity and event. All times are UTC moments.';
COMMENT ON COLUMN perennial.current_prediction.model IS 'The model''s name, as in its definition.';
COMMENT ON COLUMN perennial.current_prediction.segment IS 'The part of the entities the model is for; "all" where there is one.';
COMMENT ON COLUMN perennial.current_prediction.role IS 'Whose predictions these are; here always the champion''s.';
COMMENT ON COLUMN perennial.current_prediction.entity IS 'The thing the prediction is about.';
COMMENT ON COLUMN perennial.current_prediction.event_at IS 'The moment the prediction is about.';
COMMENT ON COLUMN perennial.current_prediction.prediction IS 'The predicted value, in the label''s unit (a probability for a class).';
COMMENT ON COLUMN perennial.current_prediction.low IS 'The lower end of the prediction''s interval, where the model gives one.';
COMMENT ON COLUMN perennial.current_prediction.high IS 'The upper end of it.';
COMMENT ON COLUMN perennial.current_prediction.predicted_at IS 'When the prediction was written.';
COMMENT ON COLUMN perennial.current_prediction.model_version IS 'The model version that predicted it.';
COMMENT ON COLUMN perennial.current_prediction.batch IS 'The prediction batch it was published with.';
COMMENT ON COLUMN perennial.current_prediction.interval_start IS 'The start of the batch''s interval, included.';
COMMENT ON COLUMN perennial.current_prediction.interval_end IS 'The end of the batch''s interval, not included.';

CREATE VIEW perennial.prediction_lineage AS
SELECT
    b.model,
    b.segment,
    b.role,
    b.state,
    p.entity,
    p.event_at,
    p.prediction,
    p.low,
    p.high,
    b.written_at AS predicted_at,
    b.id AS batch,
    b.interval_start,
    b.interval_end,
    b.version AS model_version,
    b.epoch AS promotion_epoch,
    pr.kind AS promotion_kind,
    pr.reason AS promotion_reason,
    pr.actor AS promoted_by,
    pr.effective_from AS promoted_from,
    a.actor AS approved_by,
    pr.evaluation,
    b.snapshot,
    b.validation,
    v.training_run,
    t.snapshot AS training_snapshot,
    t.validation AS training_validation,
    t.trained_on_start,
    t.trained_on_end,
    t.reason AS training_reason,
    t.definition_digest,
    t.code_version,
    v.artifact
FROM perennial.prediction p
JOIN perennial.prediction_batch b ON b.number = p.batch AND p.event_at >= b.interval_start AND p.event_at < b.interval_end
JOIN perennial.promotion pr ON pr.model = b.model AND pr.segment = b.segment AND pr.epoch = b.epoch
JOIN perennial.model_version v ON v.id = b.version
JOIN perennial.training_run t ON t.id = v.training_run
LEFT JOIN perennial.approval a ON a.id = pr.approval;

COMMENT ON VIEW perennial.prediction_lineage IS
    'Where every prediction comes from, in all roles and states: one row per prediction, back to its data, checks and people.';
COMMENT ON COLUMN perennial.prediction_lineage.model IS 'The model''s name, as in its definition.';
COMMENT ON COLUMN perennial.prediction_lineage.segment IS 'The part of the entities the model is for; "all" where there is one.';
COMMENT ON COLUMN perennial.prediction_lineage.role IS 'Whose prediction it is: champion, shadow or baseline.';
COMMENT ON COLUMN perennial.prediction_lineage.state IS 'The batch''s state: current is in use, superseded was replaced, staged was never published.';
COMMENT ON COLUMN perennial.prediction_lineage.entity IS 'The thing the prediction is about.';
COMMENT ON COLUMN perennial.prediction_lineage.event_at IS 'The moment the prediction is about.';
COMMENT ON COLUMN perennial.prediction_lineage.prediction IS 'The predicted value, in the label''s unit (a probability for a class).';
COMMENT ON COLUMN perennial.prediction_lineage.low IS 'The lower end of the prediction''s interval, where the model gives one.';
COMMENT ON COLUMN perennial.prediction_lineage.high IS 'The upper end of it.';
COMMENT ON COLUMN perennial.prediction_lineage.predicted_at IS 'When the prediction was written.';
COMMENT ON COLUMN perennial.prediction_lineage.batch IS 'The prediction batch it was published with.';
COMMENT ON COLUMN perennial.prediction_lineage.interval_start IS 'The start of the batch''s interval, included.';
COMMENT ON COLUMN perennial.prediction_lineage.interval_end IS 'The end of the batch''s interval, not included.';
COMMENT ON COLUMN perennial.prediction_lineage.model_version IS 'The model version that predicted it.';
COMMENT ON COLUMN perennial.prediction_lineage.promotion_epoch IS 'The number of the promotion in force, counted per model and segment.';
COMMENT ON COLUMN perennial.prediction_lineage.promotion_kind IS 'How that promotion came about: promote, rollback or retire.';
COMMENT ON COLUMN perennial.prediction_lineage.promotion_reason IS 'Why that promotion was made.';
COMMENT ON COLUMN perennial.prediction_lineage.promoted_by IS 'Who or what made that promotion.';
COMMENT ON COLUMN perennial.prediction_lineage.promoted_from IS 'From when that promotion is in force.';
COMMENT ON COLUMN perennial.prediction_lineage.approved_by IS 'The person who approved it; empty where none had to.';
COMMENT ON COLUMN perennial.prediction_lineage.evaluation IS 'The evaluation that was promoted.';
COMMENT ON COLUMN perennial.prediction_lineage.snapshot IS 'The extract whose rows were predicted, by digest.';
COMMENT ON COLUMN perennial.prediction_lineage.validation IS 'The validation of that extract.';
COMMENT ON COLUMN perennial.prediction_lineage.training_run IS 'The training run that made the version.';
COMMENT ON COLUMN perennial.prediction_lineage.training_snapshot IS 'The extract it was trained on, by digest.';
COMMENT ON COLUMN perennial.prediction_lineage.training_validation IS 'The validation of that extract.';
COMMENT ON COLUMN perennial.prediction_lineage.trained_on_start IS 'The start of the rows it was fitted on, included.';
COMMENT ON COLUMN perennial.prediction_lineage.trained_on_end IS 'The end of the rows it was fitted on, not included.';
COMMENT ON COLUMN perennial.prediction_lineage.training_reason IS 'Why it was trained.';
COMMENT ON COLUMN perennial.prediction_lineage.definition_digest IS 'The definition it was trained from, by digest.';
COMMENT ON COLUMN perennial.prediction_lineage.code_version IS 'The version of the code that trained it.';
COMMENT ON COLUMN perennial.prediction_lineage.artifact IS 'The signed model artifact, by digest.';
