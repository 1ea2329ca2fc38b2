package main

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	_ "github.com/ncruces/go-sqlite3/driver" // registers itself

	"github.com/heffl/bff/internal/bench"
	"github.com/heffl/bff/model"
)

// openSQLite prepares W6: one row of a file that is there already.
func (s *server) openSQLite(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	if err != nil {
		return err
	}
	statement, err := db.PrepareContext(ctx, //nolint:sqlclosecheck // open as long as the process
		`SELECT u.id, i.unread_count FROM users u JOIN workspaces w ON w.id = u.workspace_id
		JOIN inboxes i ON i.user_id = u.id WHERE w.external_id = ? AND u.external_id = ? AND u.active`)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	s.route(bench.Body(bench.First), func(ctx context.Context, user string, _ []byte) ([]byte, error) {
		var id uuid.UUID
		var unread int64
		if err := statement.QueryRowContext(ctx, bench.Workspace, user).Scan(&id, &unread); err != nil {
			return nil, err
		}
		return []byte(`{"data":{"viewer":{"id":"` + model.GlobalID(model.KindViewer, id) +
			`","inbox":{"unreadCount":` + strconv.FormatInt(unread, 10) + `}}}}`), nil
	})
	return nil
}
