-- What was wrong with a submission that was rejected, for whoever published it on Kafka and asks: field, code and words, never a value.
-- NULL of what was rejected before: then `fault` has the codes.
ALTER TABLE submission ADD COLUMN faults jsonb;
CREATE INDEX submission_rejected ON submission (source, received_at, id) WHERE outcome = 'rejected';
CREATE INDEX contradiction_received ON contradiction (source, received_at, id);
