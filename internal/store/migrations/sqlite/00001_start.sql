-- The same tables as on PostgreSQL, column by column; what is different:
-- times are INTEGER Unix milliseconds (text times compare wrongly), ids of our own are TEXT of 36 characters in
-- lower case, whose order is that of their bytes, booleans are 0 and 1. STRICT holds the types.

-- +goose Up
CREATE TABLE meta (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspaces (
    id              TEXT PRIMARY KEY,
    external_id     TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL DEFAULT '',
    policy_revision INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id                TEXT PRIMARY KEY,
    workspace_id      TEXT NOT NULL REFERENCES workspaces (id),
    external_id       TEXT NOT NULL,
    name              TEXT NOT NULL DEFAULT '',
    email             TEXT NOT NULL DEFAULT '',
    time_zone         TEXT NOT NULL DEFAULT '',
    email_state       INTEGER NOT NULL DEFAULT 0,
    email_enabled     INTEGER NOT NULL DEFAULT 1,
    cliq_enabled      INTEGER NOT NULL DEFAULT 1,
    active            INTEGER NOT NULL DEFAULT 1,
    settings_revision INTEGER NOT NULL DEFAULT 0,
    viewer_revision   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (workspace_id, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE preferences (
    user_id    TEXT NOT NULL,
    event_type TEXT NOT NULL,
    channel    INTEGER NOT NULL,
    enabled    INTEGER NOT NULL,
    PRIMARY KEY (user_id, event_type, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE workspace_rules (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    event_type   TEXT NOT NULL,
    channel      INTEGER NOT NULL,
    mode         INTEGER NOT NULL,
    reason       TEXT,
    PRIMARY KEY (workspace_id, event_type, channel)
) STRICT, WITHOUT ROWID;

-- Both keys begin with what a reader asks by, so that an entry costs two index rows and no more.
CREATE TABLE settings_audit (
    id           TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    user_id      TEXT,
    actor_id     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    event_type   TEXT NOT NULL,
    channel      INTEGER NOT NULL,
    old          TEXT NOT NULL,
    new          TEXT NOT NULL,
    through      TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX settings_audit_user ON settings_audit (user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE integrations (
    user_id           TEXT NOT NULL REFERENCES users (id),
    provider          TEXT NOT NULL,
    workspace_id      TEXT NOT NULL,
    status            INTEGER NOT NULL DEFAULT 0,
    region            TEXT NOT NULL DEFAULT '',
    region_chosen     TEXT NOT NULL DEFAULT '',
    bot_name          TEXT NOT NULL DEFAULT '',
    scopes            TEXT NOT NULL DEFAULT '',
    connected_at      INTEGER,
    last_delivered_at INTEGER,
    problem           TEXT,
    problem_since     INTEGER,
    problem_count     INTEGER NOT NULL DEFAULT 0,
    paused_until      INTEGER,
    probe_at          INTEGER,
    lease_id          TEXT,
    lease_until       INTEGER,
    pace_from         INTEGER,
    pace_count        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE integration_tokens (
    user_id    TEXT NOT NULL REFERENCES users (id),
    provider   TEXT NOT NULL DEFAULT 'ZOHO_CLIQ',
    access     BLOB NOT NULL,
    refresh    BLOB NOT NULL,
    expires_at INTEGER,
    version    INTEGER NOT NULL DEFAULT 1,
    key_id     INTEGER NOT NULL,
    PRIMARY KEY (user_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE revocations (
    id              TEXT PRIMARY KEY,
    workspace_id    TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    region          TEXT NOT NULL,
    refresh         BLOB NOT NULL,
    key_id          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_due ON revocations (next_attempt_at);

CREATE TABLE oauth_states (
    state_hash   BLOB PRIMARY KEY,
    user_id      TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    browser_hash BLOB,
    region       TEXT NOT NULL,
    bot_name     TEXT NOT NULL,
    verifier     BLOB NOT NULL,
    return_to    TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    ticket_hash  BLOB,
    answer       BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_states_user ON oauth_states (user_id, expires_at);
CREATE UNIQUE INDEX oauth_states_ticket ON oauth_states (ticket_hash) WHERE ticket_hash IS NOT NULL;

-- data is TEXT, not jsonb: it is stored as it came and never searched.
CREATE TABLE events (
    id                 TEXT PRIMARY KEY,
    workspace_id       TEXT NOT NULL,
    type               TEXT NOT NULL,
    actor_id           TEXT NOT NULL DEFAULT '',
    actor_name         TEXT NOT NULL DEFAULT '',
    data               TEXT NOT NULL,
    idempotency_key    TEXT NOT NULL,
    content_hash       BLOB NOT NULL,
    occurred_at        INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    title              TEXT NOT NULL,
    body               TEXT NOT NULL DEFAULT '',
    cliq_text          TEXT NOT NULL DEFAULT '',
    path               TEXT NOT NULL,
    subject_type       TEXT NOT NULL DEFAULT '',
    subject_id         TEXT NOT NULL DEFAULT '',
    notified           INTEGER NOT NULL,
    unknown_recipients TEXT NOT NULL,
    UNIQUE (workspace_id, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE inboxes (
    user_id      TEXT PRIMARY KEY,
    last_seq     INTEGER NOT NULL DEFAULT 0,
    replay_from  INTEGER NOT NULL DEFAULT 0,
    unread_count INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox_marks (
    user_id TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    up_to   INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    changed_seq INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    decision    INTEGER NOT NULL,
    read_at     INTEGER,
    archived_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_inbox ON notifications (user_id, seq);
CREATE INDEX notifications_changed ON notifications (user_id, changed_seq) WHERE changed_seq <> seq;

CREATE TABLE deliveries (
    notification_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    channel         INTEGER NOT NULL,
    status          INTEGER NOT NULL DEFAULT 0,
    reason          INTEGER,
    lease_id        TEXT,
    lease_until     INTEGER,
    problem         TEXT,
    carrier         TEXT,
    finished_at     INTEGER,
    PRIMARY KEY (notification_id, channel)
) STRICT, WITHOUT ROWID;
-- What is due (QUEUED or RETRYING), each row in exactly one of the two: e-mail goes by time, Cliq by person.
CREATE INDEX deliveries_email_due ON deliveries (next_attempt_at) WHERE channel = 1 AND status IN (0, 2);
CREATE INDEX deliveries_cliq_due ON deliveries (user_id, next_attempt_at) WHERE channel = 2 AND status IN (0, 2);
-- What is being sent, to find leases that ran out; an insert touches it never.
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE status = 1;

-- +goose Down
DROP TABLE deliveries;
DROP TABLE notifications;
DROP TABLE inbox_marks;
DROP TABLE inboxes;
DROP TABLE events;
DROP TABLE oauth_states;
DROP TABLE revocations;
DROP TABLE integration_tokens;
DROP TABLE integrations;
DROP TABLE settings_audit;
DROP TABLE workspace_rules;
DROP TABLE preferences;
DROP TABLE users;
DROP TABLE workspaces;
DROP TABLE meta;
