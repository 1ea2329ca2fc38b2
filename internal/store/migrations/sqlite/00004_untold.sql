-- +goose Up
ALTER TABLE integrations ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;
CREATE INDEX integrations_untold ON integrations (problem_since) WHERE untold;

-- +goose Down
DROP INDEX integrations_untold;
ALTER TABLE integrations DROP COLUMN untold;
