package resolvers

import "runtime"

// stackLimit bounds what one panic writes into the log.
const stackLimit = 8 << 10

// stack is the stack of the calling goroutine, cut at stackLimit.
func stack() string {
	buf := make([]byte, stackLimit)
	return string(buf[:runtime.Stack(buf, false)])
}
