-- The address in the open, of which nothing has been written or read since addresses are taken from a seal only (commit b2759e7): a contact is
-- kept in `sealed`, and one without it is written to by nobody.
--
-- Safe while instances of a release since then run on: each of their statements on this table names its columns, and none names this one
-- (`SELECT n.*` is of `notice`). PostgreSQL rewrites nothing and holds its lock for a moment. An instance from before that commit does name it, and
-- would pause until it is stopped: whoever comes from there stops notify first; notices wait on their topics meanwhile.
ALTER TABLE contact DROP COLUMN email;
