package storetest

import (
	"testing"

	"github.com/heffl/bff/model"
)

func runBase(t *testing.T, open Open) {
	t.Run("migrating twice changes nothing and keeps the epoch", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		before := s.Epoch()
		if before == (model.Epoch{}) {
			t.Fatal("no epoch after Migrate")
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Epoch() != before {
			t.Error("Migrate renewed the epoch")
		}
		if pending, err := s.Pending(t.Context()); err != nil || pending {
			t.Errorf("Pending = %v, %v after Migrate", pending, err)
		}
	})
	t.Run("a restore renews the epoch", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		before := s.Epoch()
		if err := s.MigrateAfterRestore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Epoch() == before {
			t.Error("the epoch is the old one")
		}
	})
	t.Run("down and up again", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if err := s.MigrateDown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if pending, err := s.Pending(t.Context()); err != nil || !pending {
			t.Errorf("Pending = %v, %v after MigrateDown", pending, err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
