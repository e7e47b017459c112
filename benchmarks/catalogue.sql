-- A ledger as it stands after years: every receipt of every night, and four predictions a batch. It ends with March 2024, the month
-- that the questions of docs/operations.md are about. What lies below receipts (columns that were measured, losses) is left out:
-- neither those questions nor a publication reads it. A model is trained anew every 30 nights, the last but one time at the end of
-- February.

CREATE TEMP TABLE night AS
SELECT 'model_' || lpad(m::text, 4, '0') AS model, 'all' AS segment, n, m,
    md5('night ' || m || ' ' || n) AS id, md5('a ' || m || ' ' || n) || md5('b ' || m || ' ' || n) AS digest,
    TIMESTAMPTZ '2024-04-02+00' - (%(nights)s - n) * INTERVAL '1 day' AS start,
    TIMESTAMPTZ '2024-04-02+00' - (%(nights)s - n - 1) * INTERVAL '1 day' AS until,
    'model_' || lpad(m::text, 4, '0') || '-' || left(md5(((n + %(shift)s) / 30)::text), 8) AS version,
    (n + %(shift)s) / 30 + 1 AS epoch
FROM generate_series(0, %(nights)s - 1) n, generate_series(1, %(models)s) m;

CREATE TEMP TABLE trained AS SELECT * FROM night WHERE (n + %(shift)s) %% 30 = 0 OR n = 0;

INSERT INTO perennial.snapshot
    (digest, model, segment, interval_start, interval_end, purpose, as_of, rows, label_rows, bytes)
SELECT digest, model, segment, start, until, 'score', until, 24, 0, 4096 FROM night
UNION ALL
SELECT 't' || digest, model, segment, start - INTERVAL '60 days', start, 'train', start, 1440, 1440, 4096 FROM trained;

INSERT INTO perennial.validation
    (id, model, segment, interval_start, interval_end, snapshot, purpose, as_of, verdict, rows, quarantined, findings)
SELECT id, model, segment, start, until, digest, 'score', until, 'pass', 24, 0, '[]'::jsonb FROM night
UNION ALL
SELECT 't' || id, model, segment, start - INTERVAL '60 days', start, 't' || digest, 'train', start, 'pass', 1440, 0, '[]'::jsonb FROM trained;

INSERT INTO perennial.training_run
    (id, model, segment, interval_start, interval_end, snapshot, validation, as_of, trained_on_start, trained_on_end, rows,
    definition_digest, code_version, seed, reason)
SELECT 'r' || id, model, segment, start - INTERVAL '60 days', start, 't' || digest, 't' || id, start, start - INTERVAL '60 days',
    start - INTERVAL '8 days', 1248, 'definition', '0.1.0', 0, 'scheduled' FROM trained;

INSERT INTO perennial.model_version (id, training_run, artifact, baseline, profile)
SELECT version, 'r' || id, 'a', 'b', 'p' FROM trained;

INSERT INTO perennial.evaluation
    (id, model, segment, interval_start, interval_end, challenger, snapshot, as_of, holdout_start, holdout_end, rows, verdict, sentence,
    metrics, gates, importance)
SELECT 'e' || id, model, segment, start - INTERVAL '60 days', start, version, 't' || digest, start, start - INTERVAL '8 days',
    start - INTERVAL '1 day', 168, 'pass', 'better', '{}', '[]', '{}' FROM trained;

INSERT INTO perennial.promotion (model, segment, epoch, version, kind, effective_from, evaluation, reason, actor)
SELECT model, segment, epoch, version, 'promote', start, 'e' || id, 'better', 'airflow' FROM trained;

INSERT INTO perennial.measurement (id, model, segment, interval_start, interval_end, as_of, version, validation, signals)
SELECT id, model, segment, start, until, until, version, id, '[]' FROM night;

INSERT INTO perennial.decision
    (id, model, segment, interval_start, interval_end, as_of, action, rule, sentence, signals, measurement, otherwise)
SELECT id, model, segment, start, until, until, 'keep', 'quiet', 'nothing moved', '[]', id, '[]' FROM night;

INSERT INTO perennial.prediction_batch
    (id, model, segment, interval_start, interval_end, role, version, epoch, snapshot, validation, rows, state)
SELECT md5(id || role), model, segment, start, until, role, version, epoch, digest, id, 4, 'current'
FROM night, unnest(ARRAY['champion', 'baseline']) role
WHERE n < %(nights)s - 1
ORDER BY n, m, role;

SELECT perennial.add_prediction_month(month)
FROM generate_series(date_trunc('month', TIMESTAMPTZ '2024-04-02+00' - %(nights)s * INTERVAL '1 day', 'UTC'),
    TIMESTAMPTZ '2024-04-01+00', INTERVAL '1 month') month;

INSERT INTO perennial.prediction (batch, entity, event_at, prediction)
SELECT number, entity, interval_start + hour * INTERVAL '1 hour', 100
FROM perennial.prediction_batch, unnest(ARRAY['north', 'south']) entity, unnest(ARRAY[6, 18]) hour
ORDER BY number, entity, hour;

VACUUM (ANALYZE);

CHECKPOINT;
