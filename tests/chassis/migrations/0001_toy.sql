-- What the toy service of the chassis's tests has counted, in the order it did.
CREATE TABLE counted (place bigint GENERATED ALWAYS AS IDENTITY, key text NOT NULL, n int NOT NULL);
-- Numbers that no longer hurt.
CREATE TABLE cured (n int PRIMARY KEY);
