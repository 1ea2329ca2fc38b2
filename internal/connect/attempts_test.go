package connect_test

import (
	"testing"
	"time"

	"github.com/heffl/bff/model"
)

// TestTooManyAttempts begins again and again: the eleventh is told to wait, until the first ones have expired.
func TestTooManyAttempts(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		begin := func(v model.Viewer) error {
			_, err := w.Start(t.Context(), v, model.ConnectCliqInput{Region: model.CliqRegionCodeIn, Bot: "helper"})
			return err
		}
		for range 10 {
			if err := begin(w.ann); err != nil {
				t.Fatal(err)
			}
		}
		problem, ok := begin(w.ann).(*model.UserError) //nolint:errorlint // the very value
		if !ok || problem.Code != model.UserErrorCodeRateLimited {
			t.Errorf("the eleventh: %v", problem)
		}
		if err := begin(w.bob); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		w.clock.pass(10*time.Minute + time.Second)
		if err := begin(w.ann); err != nil {
			t.Errorf("ten minutes later: %v", err)
		}
	})
}
