-- What desk knows of an application whatever the department. Its row is the lock under which cases arriving and a
-- withdrawal arriving meet: they come on different topics, in either order, at the same moment.
CREATE TABLE application (
    application_id uuid PRIMARY KEY,
    content        bytea,  -- as JSON; NULL until its first case arrives
    withdrawn_at   timestamptz
);

-- One piece of a department's work.
CREATE TABLE case_item (
    case_id        uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    receipt        text NOT NULL,
    department     text NOT NULL,
    procedure      text NOT NULL,
    due_on         date NOT NULL,
    opened_at      timestamptz NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'claimed', 'waiting', 'returned', 'decided', 'closed')),
    staff          text CHECK (staff IS NOT NULL OR state NOT IN ('claimed', 'waiting', 'decided')),
    last_command   bytea,           -- SHA-256 of the last command, to know it again when its answer was lost
    why            bytea NOT NULL   -- as JSON: why the case came to this department
);
-- The worklist; only closing a case writes to the second.
CREATE INDEX case_item_worklist ON case_item (department, due_on, case_id) WHERE state <> 'closed';
CREATE INDEX case_item_closed ON case_item (department, due_on, case_id) WHERE state = 'closed';
CREATE INDEX case_item_application ON case_item (application_id);

-- What was done to a case, by whom. Its opening is in case_item.
CREATE TABLE case_step (
    case_id    uuid NOT NULL,
    number     bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    what       text NOT NULL,
    department text NOT NULL,
    staff      text,
    note       bytea NOT NULL,  -- as JSON: what was said with it
    PRIMARY KEY (case_id, number)
);

-- What citizens supplied afterwards; CloudEvents promises that source + id is unique.
CREATE TABLE correction (
    application_id uuid NOT NULL,
    source         text NOT NULL,
    id             text NOT NULL,
    received_at    timestamptz NOT NULL,
    content        bytea NOT NULL,  -- as JSON
    PRIMARY KEY (application_id, source, id)
);
