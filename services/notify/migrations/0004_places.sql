-- Where the seal of a person's words came from: what it is bound to besides the application. Null for a notice that has none, and for what came
-- before seals were bound to more than the application.
ALTER TABLE notice ADD COLUMN place text;
