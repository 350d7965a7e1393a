-- The latest day that the citizen was told by a notice of extension: said here, and counted here before routing has counted it.
ALTER TABLE case_item ADD COLUMN told_until date;
-- What people call the queue: as JSON, by language; NULL where nobody has said.
ALTER TABLE case_item ADD COLUMN queue_names bytea;
