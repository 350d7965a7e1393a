-- Who is signed in with a browser. `digest` is SHA-256 of what the browser holds; roles and departments are those of the sign-in.
CREATE TABLE staff_session (
    digest      bytea PRIMARY KEY,
    staff       text NOT NULL,
    roles       text[] NOT NULL,
    departments text[] NOT NULL,
    began_at    timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL
);
