-- `last_command` is HMAC-SHA-256, by the index key of that name, of the SHA-256 of the command. '': that SHA-256 itself, of a command
-- that says nothing personal. NULL: likewise, of any command, as the release before kept it; desk keys those while it runs.
ALTER TABLE case_item ADD COLUMN command_key text;
CREATE INDEX case_item_unkeyed ON case_item (last_command) WHERE command_key IS NULL AND last_command IS NOT NULL;
