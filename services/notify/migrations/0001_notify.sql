-- How a citizen is reached about an application. `early`: made by a notice that came before its application; the language
-- is unknown until then. `email` is null when there is none that a mail can be sent to.
CREATE TABLE contact (
    application_id uuid PRIMARY KEY,
    receipt        text NOT NULL,
    email          text,
    language       text CHECK (language IN ('ja', 'ja-easy', 'en')),
    early          boolean NOT NULL
);

-- waiting ──► queued ──► sending ──► sent | failed;  waiting ──► withheld.  `attempts` also fences: who claimed a notice
-- may settle it only while the number is the one of his claim. A claim is good until `next_attempt_at`.
CREATE TABLE notice (
    notice_id       uuid PRIMARY KEY,
    application_id  uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('receipt', 'correction', 'result', 'withdrawal')),
    state           text NOT NULL CHECK (state IN ('waiting', 'queued', 'sending', 'sent', 'failed', 'withheld')),
    attempts        int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    smtp_code       int,
    outcome         text,
    wanted          text,
    until           date,
    traceparent     text
);
CREATE INDEX notice_due ON notice (next_attempt_at) WHERE state IN ('queued', 'sending');
CREATE INDEX notice_waiting ON notice (application_id) WHERE state = 'waiting';
