package app

import (
	"fmt"
	"io"
)

// Banner tells a person where to look first. Only development prints it.
func (a *App) Banner(w io.Writer, version string) {
	if a.config.Production {
		return
	}
	url := a.URL()
	fmt.Fprintf(w, "\n  Heffl notifications %s – development, this machine only\n\n", version)
	lines := [][2]string{
		{"Start here", url + "/"},
		{"Playground", url + "/playground/"},
	}
	if a.development != nil {
		lines = append(lines, [2]string{"Fire an event", url + sandboxPrefix + "/"}, [2]string{"Cliq chats", url + sandboxPrefix + "/cliq"}, [2]string{"Mailbox", url + sandboxPrefix + "/mail"})
	}
	lines = append(lines, [2]string{"GraphQL", url + "/graphql"}, [2]string{"A token", "go run . token   (--user, --scope, --help)"})
	for _, line := range lines {
		fmt.Fprintf(w, "  %-14s %s\n", line[0], line[1])
	}
	fmt.Fprintln(w)
	for _, warning := range a.warnings {
		fmt.Fprintf(w, "  ⚠ stand-in: %s\n", warning)
	}
	fmt.Fprint(w, "\n  Ctrl-C stops it.\n\n")
}
