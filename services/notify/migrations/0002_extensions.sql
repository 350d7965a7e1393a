-- A notice that more time is needed: until when stands in `until`, why, in a person's own words, here. And one that an
-- Individual Number was made unreadable.
ALTER TABLE notice
    ADD COLUMN reason text,
    DROP CONSTRAINT notice_kind_check,
    ADD CONSTRAINT notice_kind_check CHECK (kind IN (
        'receipt', 'correction', 'extension', 'individual-number', 'result', 'withdrawal'));
