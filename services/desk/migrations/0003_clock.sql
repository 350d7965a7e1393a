-- The clock as routing says it stands. While it stands still, due_on is the day that was the last when it stopped.
ALTER TABLE case_item
    ADD COLUMN stands_still boolean NOT NULL DEFAULT false,
    ADD COLUMN stages       bytea;  -- as JSON; NULL for a procedure without
