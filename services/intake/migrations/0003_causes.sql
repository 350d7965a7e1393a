-- Why: a case that ended with a withdrawal is told otherwise than one that was decided.
ALTER TABLE progress ADD COLUMN cause text;
