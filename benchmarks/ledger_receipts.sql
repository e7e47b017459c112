-- The receipts of a ledger that is made by statements: of every row of the table night, and of every row of trained, which also has the
-- keys of what a training leaves behind.

INSERT INTO perennial.snapshot
    (digest, model, segment, interval_start, interval_end, purpose, as_of, rows, label_rows, bytes)
SELECT digest, model, segment, start, until, 'score', until, 24, 0, 4096 FROM night
UNION ALL
SELECT window_digest, model, segment, start - INTERVAL '60 days', start, 'train', start, 1440, 1440, 4096 FROM trained;

INSERT INTO perennial.validation
    (id, model, segment, interval_start, interval_end, snapshot, purpose, as_of, verdict, rows, quarantined, findings)
SELECT validation, model, segment, start, until, digest, 'score', until, 'pass', 24, 0, %(findings)s::jsonb FROM night
UNION ALL
SELECT window_validation, model, segment, start - INTERVAL '60 days', start, window_digest, 'train', start, 'pass', 1440, 0,
    %(findings)s::jsonb
FROM trained;

INSERT INTO perennial.training_run
    (id, model, segment, interval_start, interval_end, snapshot, validation, as_of, trained_on_start, trained_on_end, rows,
    definition_digest, code_version, seed, reason)
SELECT run, model, segment, start - INTERVAL '60 days', start, window_digest, window_validation, start, start - INTERVAL '60 days',
    start - INTERVAL '8 days', 1248, 'definition', '0.1.0', 0, 'scheduled' FROM trained;

INSERT INTO perennial.model_version (id, training_run, artifact, baseline, profile)
SELECT version, run, 'a', 'b', 'p' FROM trained;

INSERT INTO perennial.evaluation
    (id, model, segment, interval_start, interval_end, challenger, snapshot, as_of, holdout_start, holdout_end, rows, verdict, sentence,
    metrics, gates, importance)
SELECT evaluation, model, segment, start - INTERVAL '60 days', start, version, window_digest, start, start - INTERVAL '8 days',
    start - INTERVAL '1 day', 168, 'pass', %(sentence)s, %(metrics)s::jsonb, %(gates)s::jsonb, '{}' FROM trained;

INSERT INTO perennial.promotion (model, segment, epoch, version, kind, effective_from, evaluation, reason, actor)
SELECT model, segment, epoch, version, 'promote', start, evaluation, %(sentence)s, 'airflow' FROM trained;

INSERT INTO perennial.measurement (id, model, segment, interval_start, interval_end, as_of, version, validation, signals)
SELECT id, model, segment, start, until, until, version, validation, %(signals)s::jsonb FROM night;
