-- What happened to the rules by which cases come to departments: who proposed, who approved, since when.
CREATE TABLE rule_set_step (
    rule_set text NOT NULL,
    number   bigint GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL,
    what     text NOT NULL,
    staff    text,
    said     bytea NOT NULL,  -- as JSON
    PRIMARY KEY (rule_set, number)
);
