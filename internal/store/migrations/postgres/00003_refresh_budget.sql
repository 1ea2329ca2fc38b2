-- +goose Up
ALTER TABLE integration_tokens ADD COLUMN refreshes_until timestamptz(3);

-- +goose Down
ALTER TABLE integration_tokens DROP COLUMN refreshes_until;
