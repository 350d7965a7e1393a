-- The blind index: by a name or a date of birth an application is found, and neither can be read here. `name` is that of the
-- key-encryption key; with it the index key is destroyed, and what is left are random bytes, which are deleted.
CREATE TABLE index_key (
    name    text PRIMARY KEY,
    key     text NOT NULL,   -- the version that wrapped it
    wrapped bytea NOT NULL
);
CREATE TABLE search_term (
    term           bytea NOT NULL,
    application_id uuid NOT NULL,
    name           text NOT NULL,
    PRIMARY KEY (term, application_id)
);
