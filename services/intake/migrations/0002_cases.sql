-- Of which case a step is: an application that concerns several departments is closed when the last of its cases is.
ALTER TABLE progress ADD COLUMN case_id uuid;
