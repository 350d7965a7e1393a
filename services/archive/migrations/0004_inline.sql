-- An event with sealed values is longer than the 2 KB at which PostgreSQL begins to move a value out of its row.
ALTER TABLE event SET (toast_tuple_target = 8160);
