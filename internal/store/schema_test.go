package store

import (
	"database/sql"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// mapped are the structs that gorm maps to a table.
var mapped = []any{
	model.Workspace{},
	model.User{},
	model.Preference{},
	model.WorkspaceRule{},
	model.AuditEntry{},
	model.Connection{},
	model.SealedTokens{},
	model.PendingRevocation{},
	model.ConnectState{},
	model.ConnectAudit{},
	model.Event{},
	model.Inbox{},
	model.InboxMark{},
	model.Notification{},
	model.Delivery{},
}

// unmapped are the tables without a struct: the store's own, and goose's.
var unmapped = []string{"meta", "goose_db_version"}

// TestSchemaAgrees proves that the structs and the migrations of both databases name the same columns.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{Postgres: testkit.Postgres(t), SQLite: testkit.SQLite(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openForTest(t, url)
			tables := map[string][]string{}
			err := s.reader(t.Context()).rows(func(rows *sql.Rows) error {
				var table, column string
				err := rows.Scan(&table, &column)
				tables[table] = append(tables[table], column)
				return err
			}, s.pick(
				`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'`,
				`SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
				 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`))
			if err != nil {
				t.Fatal(err)
			}

			for _, row := range mapped {
				parsed, err := schema.Parse(row, &sync.Map{}, s.read.NamingStrategy)
				if err != nil {
					t.Fatal(err)
				}
				var fields []string
				for _, field := range parsed.Fields {
					if field.DBName != "" {
						fields = append(fields, field.DBName)
					}
				}
				columns := tables[parsed.Table]
				slices.Sort(fields)
				slices.Sort(columns)
				if diff := cmp.Diff(fields, columns); diff != "" {
					t.Errorf("%T and table %s differ (-fields +columns):\n%s", row, parsed.Table, diff)
				}
				delete(tables, parsed.Table)
			}
			for _, table := range unmapped {
				delete(tables, table)
			}
			for table := range tables {
				t.Errorf("table %s has no struct", table)
			}
		})
	}
}

func openForTest(tb testing.TB, url string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), Config{URL: url, MaxConns: 8, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}
