-- Ciphertext does not get smaller by compressing, and is longer than the 2 KB at which PostgreSQL begins to move a value out of its row.
ALTER TABLE application ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE application SET (toast_tuple_target = 8160);
