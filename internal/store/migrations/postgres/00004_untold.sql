-- A person whose connection needs them is told by an event. Until that event is stored they count as untold, so that a process
-- which ends in between does not keep it from them.

-- +goose Up
ALTER TABLE integrations ADD COLUMN untold boolean NOT NULL DEFAULT false;
CREATE INDEX integrations_untold ON integrations (problem_since) WHERE untold;

-- +goose Down
ALTER TABLE integrations DROP COLUMN untold;
