-- Of which case a step is, and of how many where there are several: an application that concerns several departments is closed when the last of its cases is.
ALTER TABLE progress ADD COLUMN case_id uuid, ADD COLUMN cases int;
