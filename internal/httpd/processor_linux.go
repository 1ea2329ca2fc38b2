package httpd

import (
	"runtime"
	"syscall"
	"time"
)

// rusageThread is RUSAGE_THREAD of getrusage(2), which package syscall does not name.
const rusageThread = 1

// processor does something and answers how long a processor was busy with it. What others do meanwhile does not count.
func processor(do func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := threadTime()
	do()
	return threadTime() - begin
}

func threadTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &usage); err != nil {
		return 0 // cannot happen: the thread is ours and the memory is there
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
