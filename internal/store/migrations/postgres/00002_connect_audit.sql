-- What became of every attempt to connect and of every connection: who, when, with what outcome. Rows are added and, once
-- they are old, deleted; none is ever changed. No secret is in them: attempt is the SHA-256 of the state and names the
-- rows of one attempt. user_id is whose attempt it is, NULL where nobody knows; the actor is who came, by Heffl's
-- own ids, '' where nobody was signed in.

-- +goose Up
CREATE TABLE connect_audit (
    id              uuid PRIMARY KEY,
    created_at      timestamptz(3) NOT NULL,
    attempt         bytea,
    workspace_id    uuid,
    user_id         uuid,
    actor_workspace text NOT NULL DEFAULT '',
    actor_id        text NOT NULL DEFAULT '',
    outcome         text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    region          text NOT NULL DEFAULT '',
    bot_name        text NOT NULL DEFAULT '',
    omitted         integer NOT NULL DEFAULT 0
);
CREATE INDEX connect_audit_attempt ON connect_audit (attempt, id) WHERE attempt IS NOT NULL;
CREATE INDEX connect_audit_user ON connect_audit (user_id, id) WHERE user_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION connect_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'connect_audit is append only';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER connect_audit_stays BEFORE UPDATE ON connect_audit FOR EACH STATEMENT EXECUTE FUNCTION connect_audit_stays();

-- +goose Down
DROP TABLE connect_audit;
DROP FUNCTION connect_audit_stays();
