-- A ledger as it stands after years: every receipt of every night, and four predictions a batch. It ends with March 2024, the month
-- that the questions of docs/operations.md are about. What lies below receipts (columns that were measured, losses) is left out:
-- neither those questions nor a publication reads it. A model is trained anew every 30 nights, the last but one time at the end of
-- February. The receipts that every such ledger has are made by ledger_receipts.sql.

CREATE TEMP TABLE night AS
SELECT 'model_' || lpad(m::text, 4, '0') AS model, 'all' AS segment, n, m,
    md5('night ' || m || ' ' || n) AS id, md5('night ' || m || ' ' || n) AS validation,
    md5('a ' || m || ' ' || n) || md5('b ' || m || ' ' || n) AS digest,
    TIMESTAMPTZ '2024-04-02+00' - (%(nights)s - n) * INTERVAL '1 day' AS start,
    TIMESTAMPTZ '2024-04-02+00' - (%(nights)s - n - 1) * INTERVAL '1 day' AS until,
    'model_' || lpad(m::text, 4, '0') || '-' || left(md5(((n + %(shift)s) / 30)::text), 8) AS version,
    (n + %(shift)s) / 30 + 1 AS epoch
FROM generate_series(0, %(nights)s - 1) n, generate_series(1, %(models)s) m;

CREATE TEMP TABLE trained AS
SELECT *, 't' || digest AS window_digest, 't' || id AS window_validation, 'r' || id AS run, 'e' || id AS evaluation
FROM night WHERE (n + %(shift)s) %% 30 = 0 OR n = 0;

INSERT INTO perennial.decision
    (id, model, segment, interval_start, interval_end, as_of, action, rule, sentence, signals, measurement, otherwise)
SELECT id, model, segment, start, until, until, 'keep', 'quiet', 'nothing moved', '[]', id, '[]' FROM night;

INSERT INTO perennial.prediction_batch
    (id, model, segment, interval_start, interval_end, role, version, epoch, snapshot, validation, rows, state)
SELECT md5(id || role), model, segment, start, until, role, version, epoch, digest, validation, 4, 'current'
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
