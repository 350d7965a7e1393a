-- Who searched, for which kind of field (never for what), and how many cases the answer showed. Ids are UUIDv7: their order is time's.
CREATE TABLE search_made (
    search_id  uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    department text NOT NULL,
    staff      text NOT NULL,
    field      text NOT NULL,
    purpose    text NOT NULL,
    found      int NOT NULL
);
CREATE POLICY departments ON search_made USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN department = ANY ((SELECT string_to_array(current_setting('madoguchi.departments', true), ','))::text[]) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE search_made ENABLE ROW LEVEL SECURITY;

-- A case that an answer showed was seen: the search that showed it.
ALTER TABLE case_view ADD COLUMN search_id uuid;
