package app

import "testing"

func TestGCPercent(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, c := range map[string]struct {
		live       uint64
		busy, calm int
	}{
		"NothingCollectedYet": {0, 400, 400},
		"Small":               {5 * mib, 400, 400},
		"Replica":             {10 * mib, 300, 300},
		"Middle":              {20 * mib, 150, 200},
		"TenThousandPeople":   {51 * mib, 100, 200},
		"Huge":                {1 << 40, 100, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := gcPercent(c.live, false); got != c.busy {
				t.Errorf("%d %%, want %d", got, c.busy)
			}
			if got := gcPercent(c.live, true); got != c.calm {
				t.Errorf("when calm %d %%, want %d", got, c.calm)
			}
		})
	}
}
