-- Ids of our own are UUIDv7, ids of Heffl's own are text. Times are cut to milliseconds before they come here.
-- A column is NULL where the program says "none" and a row without it is common; text that is seldom missing is ''.
-- Tables with many rows per event (inboxes, notifications, deliveries) carry as few indexes as their readers
-- allow and no foreign keys: their one writer has the parents in hand, and each check would be a look-up per row.

-- +goose Up
CREATE TABLE meta (
    id    smallint PRIMARY KEY CHECK (id = 1),
    epoch bytea NOT NULL
);

CREATE TABLE workspaces (
    id              uuid PRIMARY KEY,
    external_id     text COLLATE "C" NOT NULL UNIQUE,
    name            text NOT NULL DEFAULT '',
    policy_revision integer NOT NULL DEFAULT 0
);

CREATE TABLE users (
    id                uuid PRIMARY KEY,
    workspace_id      uuid NOT NULL REFERENCES workspaces (id),
    external_id       text COLLATE "C" NOT NULL,
    name              text NOT NULL DEFAULT '',
    email             text NOT NULL DEFAULT '',
    time_zone         text NOT NULL DEFAULT '',
    email_state       smallint NOT NULL DEFAULT 0,
    email_enabled     boolean NOT NULL DEFAULT true,
    cliq_enabled      boolean NOT NULL DEFAULT true,
    active            boolean NOT NULL DEFAULT true,
    settings_revision integer NOT NULL DEFAULT 0,
    viewer_revision   bigint NOT NULL DEFAULT 0,
    UNIQUE (workspace_id, external_id)
) WITH (fillfactor = 80);

CREATE TABLE preferences (
    user_id    uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    channel    smallint NOT NULL,
    enabled    boolean NOT NULL,
    PRIMARY KEY (user_id, event_type, channel)
);

CREATE TABLE workspace_rules (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    event_type   text COLLATE "C" NOT NULL,
    channel      smallint NOT NULL,
    mode         smallint NOT NULL,
    reason       text,
    PRIMARY KEY (workspace_id, event_type, channel)
);

-- Both keys begin with what a reader asks by, so that an entry costs two index rows and no more.
CREATE TABLE settings_audit (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id      uuid,
    actor_id     text NOT NULL,
    created_at   timestamptz(3) NOT NULL,
    event_type   text NOT NULL,
    channel      smallint NOT NULL,
    old          text NOT NULL,
    new          text NOT NULL,
    through      text NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX settings_audit_user ON settings_audit (user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE integrations (
    user_id           uuid NOT NULL REFERENCES users (id),
    provider          text NOT NULL,
    workspace_id      uuid NOT NULL,
    status            smallint NOT NULL DEFAULT 0,
    region            text NOT NULL DEFAULT '',
    region_chosen     text NOT NULL DEFAULT '',
    bot_name          text NOT NULL DEFAULT '',
    scopes            text NOT NULL DEFAULT '',
    connected_at      timestamptz(3),
    last_delivered_at timestamptz(3),
    problem           text,
    problem_since     timestamptz(3),
    problem_count     integer NOT NULL DEFAULT 0,
    paused_until      timestamptz(3),
    probe_at          timestamptz(3),
    lease_id          uuid,
    lease_until       timestamptz(3),
    pace_from         timestamptz(3),
    pace_count        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, provider)
) WITH (fillfactor = 70);

CREATE TABLE integration_tokens (
    user_id    uuid NOT NULL REFERENCES users (id),
    provider   text NOT NULL DEFAULT 'ZOHO_CLIQ',
    access     bytea NOT NULL,
    refresh    bytea NOT NULL,
    expires_at timestamptz(3),
    version    bigint NOT NULL DEFAULT 1,
    key_id     bigint NOT NULL,
    PRIMARY KEY (user_id, provider)
);

CREATE TABLE revocations (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL,
    user_id         uuid NOT NULL,
    region          text NOT NULL,
    refresh         bytea NOT NULL,
    key_id          bigint NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz(3) NOT NULL
);
CREATE INDEX revocations_due ON revocations (next_attempt_at);

CREATE TABLE oauth_states (
    state_hash   bytea PRIMARY KEY,
    user_id      uuid NOT NULL,
    workspace_id uuid NOT NULL,
    browser_hash bytea,
    region       text NOT NULL,
    bot_name     text NOT NULL,
    verifier     bytea NOT NULL,
    return_to    text NOT NULL,
    expires_at   timestamptz(3) NOT NULL,
    ticket_hash  bytea,
    answer       bytea
);
CREATE INDEX oauth_states_user ON oauth_states (user_id, expires_at);
CREATE UNIQUE INDEX oauth_states_ticket ON oauth_states (ticket_hash) WHERE ticket_hash IS NOT NULL;

-- data is json, not jsonb: it is stored as it came and never searched.
CREATE TABLE events (
    id                 uuid PRIMARY KEY,
    workspace_id       uuid NOT NULL,
    type               text NOT NULL,
    actor_id           text NOT NULL DEFAULT '',
    actor_name         text NOT NULL DEFAULT '',
    data               json NOT NULL,
    idempotency_key    text COLLATE "C" NOT NULL,
    content_hash       bytea NOT NULL,
    occurred_at        timestamptz(3) NOT NULL,
    created_at         timestamptz(3) NOT NULL,
    title              text NOT NULL,
    body               text NOT NULL DEFAULT '',
    cliq_text          text NOT NULL DEFAULT '',
    path               text NOT NULL,
    subject_type       text NOT NULL DEFAULT '',
    subject_id         text NOT NULL DEFAULT '',
    notified           integer NOT NULL,
    unknown_recipients json NOT NULL,
    UNIQUE (workspace_id, idempotency_key)
);

-- Half of every page is left free: each event writes a new version of a row, which then finds room beside the
-- old one and touches no index.
CREATE TABLE inboxes (
    user_id      uuid PRIMARY KEY,
    last_seq     bigint NOT NULL DEFAULT 0,
    replay_from  bigint NOT NULL DEFAULT 0,
    unread_count integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE inbox_marks (
    user_id uuid NOT NULL,
    seq     bigint NOT NULL,
    up_to   bigint NOT NULL,
    read_at timestamptz(3) NOT NULL,
    PRIMARY KEY (user_id, seq)
);

CREATE TABLE notifications (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL,
    event_id    uuid NOT NULL,
    seq         bigint NOT NULL,
    changed_seq bigint NOT NULL,
    created_at  timestamptz(3) NOT NULL,
    decision    smallint NOT NULL,
    read_at     timestamptz(3),
    archived_at timestamptz(3)
);
CREATE INDEX notifications_inbox ON notifications (user_id, seq);
CREATE INDEX notifications_changed ON notifications (user_id, changed_seq) WHERE changed_seq <> seq;

CREATE TABLE deliveries (
    notification_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    next_attempt_at timestamptz(3) NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    channel         smallint NOT NULL,
    status          smallint NOT NULL DEFAULT 0,
    reason          smallint,
    lease_id        uuid,
    lease_until     timestamptz(3),
    problem         text,
    carrier         uuid,
    finished_at     timestamptz(3),
    PRIMARY KEY (notification_id, channel)
);
-- What is due (QUEUED or RETRYING), each row in exactly one of the two: e-mail goes by time, Cliq by person.
CREATE INDEX deliveries_email_due ON deliveries (next_attempt_at) WHERE channel = 1 AND status IN (0, 2);
CREATE INDEX deliveries_cliq_due ON deliveries (user_id, next_attempt_at) WHERE channel = 2 AND status IN (0, 2);
-- What is being sent, to find leases that ran out; an insert touches it never.
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE status = 1;

-- +goose Down
DROP TABLE deliveries, notifications, inbox_marks, inboxes, events, oauth_states, revocations, integration_tokens,
    integrations, settings_audit, workspace_rules, preferences, users, workspaces, meta;
