-- Addresses and people's own words are kept as they came: sealed, as JSON. What came before sealing stays in its columns.
ALTER TABLE contact ADD COLUMN sealed bytea;
ALTER TABLE notice ADD COLUMN sealed bytea;
