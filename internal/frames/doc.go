// Package frames serves the two inbox subscriptions without the executor: a change is rendered straight to JSON, by a
// selection that was worked out once for all subscribers with the same document, and handed to the transport. For
// each of ten thousand subscribers the executor would cost four times what the kernel takes to send the result, and a
// goroutine or two that wait for it.
//
// It owns the choice of what bypasses the executor and the shape of those results, which are the executor's byte for
// byte. Whatever it does not know (directives on the field, `channels`, a person who may not) is left to the executor.
//
// What a caller must know: a [Provider] is asked after the document was validated and the person admitted; results are
// rendered on the hub's goroutines, so nothing here blocks.
package frames
