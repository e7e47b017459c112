-- A ledger of many models and nights. The figures are made up, their shapes are those of real ones: a night has 10 columns that were
-- measured, speaks of 7 nights before it, and predicts 24 rows; a model is trained anew every 30 nights.

CREATE TEMP TABLE night AS
SELECT 'model_' || lpad(m::text, 4, '0') AS model, 'all' AS segment, n, 'model_' || lpad(m::text, 4, '0') || '/' || n AS id,
    TIMESTAMPTZ '2024-01-01+00' + n * INTERVAL '1 day' AS start, TIMESTAMPTZ '2024-01-01+00' + (n + 1) * INTERVAL '1 day' AS until,
    'model_' || lpad(m::text, 4, '0') || '/v' || n / 30 AS version, n / 30 + 1 AS epoch
FROM generate_series(1, %(models)s) m, generate_series(0, %(nights)s - 1) n;

CREATE TEMP TABLE trained AS SELECT * FROM night WHERE n %% 30 = 0;

INSERT INTO perennial.snapshot
    (digest, model, segment, interval_start, interval_end, purpose, as_of, rows, label_rows, bytes)
SELECT 's/' || id, model, segment, start, until, 'score', until, 24, 0, 4096 FROM night
UNION ALL
SELECT 't/' || id, model, segment, start - INTERVAL '60 days', start, 'train', start, 1440, 1440, 4096 FROM trained;

INSERT INTO perennial.validation
    (id, model, segment, interval_start, interval_end, snapshot, purpose, as_of, verdict, rows, quarantined, findings)
SELECT 's/' || id, model, segment, start, until, 's/' || id, 'score', until, 'pass', 24, 0, %(findings)s::jsonb FROM night
UNION ALL
SELECT 't/' || id, model, segment, start - INTERVAL '60 days', start, 't/' || id, 'train', start, 'pass', 1440, 0, %(findings)s::jsonb
FROM trained;

INSERT INTO perennial.training_run
    (id, model, segment, interval_start, interval_end, snapshot, validation, as_of, trained_on_start, trained_on_end, rows,
    definition_digest, code_version, seed, reason)
SELECT 'r/' || id, model, segment, start - INTERVAL '60 days', start, 't/' || id, 't/' || id, start, start - INTERVAL '60 days',
    start - INTERVAL '8 days', 1248, 'definition', '0.1.0', 0, 'scheduled' FROM trained;

INSERT INTO perennial.model_version (id, training_run, artifact, baseline, profile)
SELECT version, 'r/' || id, 'a', 'b', 'p' FROM trained;

INSERT INTO perennial.evaluation
    (id, model, segment, interval_start, interval_end, challenger, snapshot, as_of, holdout_start, holdout_end, rows, verdict, sentence,
    metrics, gates, importance)
SELECT 'e/' || id, model, segment, start - INTERVAL '60 days', start, version, 't/' || id, start, start - INTERVAL '8 days',
    start - INTERVAL '1 day', 168, 'pass', %(sentence)s, %(metrics)s::jsonb, %(gates)s::jsonb, '{}' FROM trained;

INSERT INTO perennial.approval (id, evaluation, verdict, actor, comment)
SELECT 'a/' || id, 'e/' || id, 'pass', 'ana', 'it looks right' FROM trained;

INSERT INTO perennial.retrain_request (id, model, segment, at, reason, origin, state, outcome)
SELECT 'q/' || id, model, segment, start, 'scheduled', 'schedule', 'done', %(sentence)s FROM trained;

INSERT INTO perennial.promotion (model, segment, epoch, version, kind, effective_from, evaluation, reason, actor)
SELECT model, segment, epoch, version, 'promote', start, 'e/' || id, %(sentence)s, 'airflow' FROM trained;

INSERT INTO perennial.measurement (id, model, segment, interval_start, interval_end, as_of, version, validation, signals)
SELECT id, model, segment, start, until, until, version, 's/' || id, %(signals)s::jsonb FROM night;

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
SELECT 'b/' || id, model, segment, start, until, 'champion', version, epoch, 's/' || id, 's/' || id, 24, 'current' FROM night;

SELECT perennial.add_prediction_month(m)
FROM generate_series(TIMESTAMPTZ '2024-01-01+00', TIMESTAMPTZ '2024-01-01+00' + %(nights)s * INTERVAL '1 day', INTERVAL '1 month') m;

INSERT INTO perennial.prediction (batch, entity, event_at, prediction)
SELECT number, 'entity ' || e, interval_start + e * INTERVAL '1 hour', 100 + e
FROM perennial.prediction_batch, generate_series(0, 23) e WHERE model <= 'model_0050';

INSERT INTO perennial.outcome (model, segment, event_at, entity, available_at, value)
SELECT model, segment, interval_start + e * INTERVAL '1 hour', 'entity ' || e, interval_end, 101 + e
FROM perennial.prediction_batch, generate_series(0, 23) e WHERE model <= 'model_0050';

ANALYZE;
