-- A ledger of many models and nights. The figures are made up, their shapes are those of real ones: a night has 10 columns that were
-- measured, speaks of 7 nights before it, and predicts 24 rows; a model is trained anew every 30 nights. The receipts that every
-- such ledger has are made by ledger_receipts.sql.

CREATE TEMP TABLE night AS
SELECT 'model_' || lpad(m::text, 4, '0') AS model, 'all' AS segment, n, 'model_' || lpad(m::text, 4, '0') || '/' || n AS id,
    's/model_' || lpad(m::text, 4, '0') || '/' || n AS validation, 's/model_' || lpad(m::text, 4, '0') || '/' || n AS digest,
    TIMESTAMPTZ '2024-01-01+00' + n * INTERVAL '1 day' AS start, TIMESTAMPTZ '2024-01-01+00' + (n + 1) * INTERVAL '1 day' AS until,
    'model_' || lpad(m::text, 4, '0') || '/v' || n / 30 AS version, n / 30 + 1 AS epoch
FROM generate_series(1, %(models)s) m, generate_series(0, %(nights)s - 1) n;

CREATE TEMP TABLE trained AS
SELECT *, 't/' || id AS window_digest, 't/' || id AS window_validation, 'r/' || id AS run, 'e/' || id AS evaluation
FROM night WHERE n %% 30 = 0;

INSERT INTO perennial.approval (id, evaluation, verdict, actor, comment)
SELECT 'a/' || id, evaluation, 'pass', 'ana', 'it looks right' FROM trained;

INSERT INTO perennial.retrain_request (id, model, segment, at, reason, origin, state, outcome)
SELECT 'q/' || id, model, segment, start, 'scheduled', 'schedule', 'done', %(sentence)s FROM trained;

INSERT INTO perennial.drift_measurement (measurement, position, "column", psi, threshold, n, state)
SELECT id, c, 'column_' || c, 0.5 + ((n + c) %% 17) / 3.0, 6, 24, 'quiet' FROM night, generate_series(0, 9) c;

INSERT INTO perennial.performance_measurement
    (measurement, position, interval_start, interval_end, role, version, predicted, labelled, loss, square)
SELECT id, 2 * (7 - back) + r, start - back * INTERVAL '1 day', until - back * INTERVAL '1 day',
    CASE r WHEN 0 THEN 'baseline' ELSE 'champion' END, version, 24, 24 - back / 7, (30 + (n - back) %% 13) * (5 - 4 * r),
    (1000 + (n - back) %% 13 * 60) * (5 - 4 * r)
FROM night, generate_series(1, 7) back, generate_series(0, 1) r;

INSERT INTO perennial.decision
    (id, model, segment, interval_start, interval_end, as_of, action, rule, sentence, signals, measurement, otherwise)
SELECT id, model, segment, start, until, until, CASE WHEN n %% 41 = 40 THEN 'watch' ELSE 'keep' END, 'quiet', %(sentence)s,
    %(signals)s::jsonb, id, '[]' FROM night;

INSERT INTO perennial.prediction_batch
    (id, model, segment, interval_start, interval_end, role, version, epoch, snapshot, validation, rows, state)
SELECT 'b/' || id, model, segment, start, until, 'champion', version, epoch, digest, validation, 24, 'current' FROM night;

SELECT perennial.add_prediction_month(m)
FROM generate_series(TIMESTAMPTZ '2024-01-01+00', TIMESTAMPTZ '2024-01-01+00' + %(nights)s * INTERVAL '1 day', INTERVAL '1 month') m;

INSERT INTO perennial.prediction (batch, entity, event_at, prediction)
SELECT number, 'entity ' || e, interval_start + e * INTERVAL '1 hour', 100 + e
FROM perennial.prediction_batch, generate_series(0, 23) e WHERE model <= 'model_0050';

INSERT INTO perennial.outcome (model, segment, event_at, entity, available_at, value)
SELECT model, segment, interval_start + e * INTERVAL '1 hour', 'entity ' || e, interval_end, 101 + e
FROM perennial.prediction_batch, generate_series(0, 23) e WHERE model <= 'model_0050';
