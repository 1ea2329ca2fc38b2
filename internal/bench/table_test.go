package bench

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
)

// results are what the table shows at the end.
type results struct {
	mu   sync.Mutex // guards rows
	rows []row
}

type row struct{ workload, unit, bare, server, ratio, goal string }

// table collects the results of all benchmarks of this process.
var table results

// compare reports the medians of a higher-is-better figure of both programs and answers their ratio.
func compare(b *testing.B, workload, unit, goal string, bare, server []float64) {
	b.Helper()
	limit, got := median(bare), median(server)
	b.ReportMetric(limit, "bare-"+unit)
	b.ReportMetric(got, "server-"+unit)
	b.ReportMetric(got/limit, "ratio")
	table.add(row{workload, unit, figure(limit), figure(got), fmt.Sprintf("%.2f", got/limit), goal})
}

// compareLess puts a figure of which less is better into the table.
func compareLess(workload, unit, goal string, bare, server []float64) {
	limit, got := median(bare), median(server)
	table.add(row{workload, unit, figure(limit), figure(got), fmt.Sprintf("×%.1f", got/limit), goal})
}

// note reports a figure that the bare program has none of.
func note(b *testing.B, workload, unit, goal string, server float64) {
	b.Helper()
	b.ReportMetric(server, unit)
	table.add(row{workload, unit, "", figure(server), "", goal})
}

func (r *results) add(one row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, one)
}

func (r *results) print(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "\nworkload\tunit\tbare\tserver\tratio\tgoal")
	for _, one := range r.rows {
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", one.workload, one.unit, one.bare, one.server, one.ratio, one.goal)
	}
	_ = tw.Flush()
}

func figure(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
