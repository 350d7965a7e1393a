-- Immutable, named by the hash of its content.
CREATE TABLE rule_set (
    hash        text PRIMARY KEY,
    name        text NOT NULL,
    content     text NOT NULL,
    departments text NOT NULL
);

-- Which rule set came into force when; the last row decides.
CREATE TABLE in_force (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since  timestamptz NOT NULL,
    hash   text NOT NULL REFERENCES rule_set
);

CREATE TABLE routed_case (
    case_id        uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    receipt        text NOT NULL,
    opened_at      timestamptz NOT NULL,
    department     text NOT NULL,
    due_on         date NOT NULL,
    decision       bytea NOT NULL  -- as JSON
);
