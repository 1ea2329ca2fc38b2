//go:build !linux

package httpd

import "time"

// processor does something and answers how long that took: there is no clock for one thread here.
func processor(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}
