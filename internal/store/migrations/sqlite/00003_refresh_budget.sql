-- +goose Up
ALTER TABLE integration_tokens ADD COLUMN refreshes_until INTEGER;

-- +goose Down
ALTER TABLE integration_tokens DROP COLUMN refreshes_until;
