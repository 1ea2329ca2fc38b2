-- The same table as on PostgreSQL, column by column.

-- +goose Up
CREATE TABLE connect_audit (
    id              TEXT PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    attempt         BLOB,
    workspace_id    TEXT,
    user_id         TEXT,
    actor_workspace TEXT NOT NULL DEFAULT '',
    actor_id        TEXT NOT NULL DEFAULT '',
    outcome         TEXT NOT NULL,
    reason          TEXT NOT NULL DEFAULT '',
    region          TEXT NOT NULL DEFAULT '',
    bot_name        TEXT NOT NULL DEFAULT '',
    omitted         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX connect_audit_attempt ON connect_audit (attempt, id) WHERE attempt IS NOT NULL;
CREATE INDEX connect_audit_user ON connect_audit (user_id, id) WHERE user_id IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER connect_audit_stays BEFORE UPDATE ON connect_audit BEGIN
    SELECT RAISE(ABORT, 'connect_audit is append only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE connect_audit;
