-- A look at the Individual Numbers of a case is another than a look at the case: `what` tells them apart in the access log.
ALTER TABLE case_view ADD COLUMN what text NOT NULL DEFAULT 'view' CHECK (what IN ('view', 'view-individual-numbers'));
