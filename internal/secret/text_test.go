package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/heffl/bff/internal/secret"
)

func TestTextNeverPrints(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	text := secret.NewText(canary)
	holder := struct {
		Public  secret.Text
		private secret.Text
	}{text, text}

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%c"} {
		printed[verb] = fmt.Sprintf(verb, text)
		printed[verb+" in a struct"] = fmt.Sprintf(verb, holder)
		printed[verb+" behind a pointer"] = fmt.Sprintf(verb, &holder)
	}
	encoded, err := json.Marshal(map[string]any{"value": text, "holder": holder})
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"] = string(encoded)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var buffer bytes.Buffer
		slog.New(handler(&buffer)).InfoContext(t.Context(), "test", "value", text, "holder", holder)
		printed[name] = buffer.String()
	}
	for name, got := range printed {
		if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) || strings.Contains(got, fmt.Sprintf("%X", canary)) {
			t.Errorf("%s shows the secret: %s", name, got)
		}
	}
	if holder.private.Reveal() != canary {
		t.Error("Reveal does not")
	}
}

func TestTextEqual(t *testing.T) {
	t.Parallel()
	if !secret.NewText("a").Equal(secret.NewText("a")) || secret.NewText("a").Equal(secret.NewText("b")) {
		t.Error("Equal compares something else than the secret")
	}
	if !(secret.Text{}).IsEmpty() || !(secret.Text{}).Equal(secret.NewText("")) || secret.NewText("a").IsEmpty() {
		t.Error("the zero value is not the empty secret")
	}
}
