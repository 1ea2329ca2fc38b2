//go:build !race

package httpd

// slowdown is what the race detector costs.
const slowdown = 1
