package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// testUntold: who must act is untold until somebody says otherwise, or until it is over.
func testUntold(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, later := t.Context(), noon.Add(time.Minute)
	untold := func(before model.Time) (names []string) {
		t.Helper()
		people, err := s.Untold(ctx, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range people {
			names = append(names, c.BotName)
			if !c.Untold || c.ProblemSince.IsZero() {
				t.Errorf("untold: %+v", c)
			}
		}
		return names
	}
	is := func(when string, before model.Time, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, untold(before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	setBot := func(user uuid.UUID, name string) {
		t.Helper()
		_, _, err := s.SetBot(ctx, user, name, noon)
		check(nil, err)
	}
	users := map[string]uuid.UUID{}
	for i, name := range []string{"ann", "bob", "cal", "dan"} {
		v := admit(t, s, "acme", name)
		connect(t, s, v, "refresh of "+name)
		setBot(v.User.UUID, name)
		users[name] = v.User.UUID
		problem := []model.ProblemCode{model.ProblemCodeBotNotFound, model.ProblemCodeNotSubscribed, model.ProblemCodeProviderMisconfigured, model.ProblemCodeRateLimited}[i]
		check(s.NoteProblem(ctx, v.User.UUID, nil, problem, noon, model.Time{}, noon.Add(time.Duration(i)*time.Second)))
	}
	is("nothing so early", noon.Add(-time.Second))
	is("only who must act, the longest first", later, "ann", "bob")
	check(nil, s.NoteTold(ctx, users["ann"], later))
	is("told of something else", later, "ann", "bob")
	check(nil, s.NoteTold(ctx, users["ann"], noon))
	is("told", later, "bob")
	check(s.NoteProblem(ctx, users["ann"], nil, model.ProblemCodeBotNotFound, noon, model.Time{}, later))
	is("the same again", later, "bob")
	setBot(users["bob"], "other")
	is("another bot", later)
	check(s.MarkNeedsReconnect(ctx, users["ann"], nil, model.ProblemCodeTokenRevoked, later))
	check(s.MarkNeedsReconnect(ctx, users["dan"], nil, model.ProblemCodeTokenRevoked, later))
	is("dead grants", later, "ann", "dan")
	check(s.Disconnect(ctx, users["ann"], later))
	connect(t, s, admit(t, s, "acme", "dan"), "again")
	is("disconnected, connected again", later)
	check(s.NoteProblem(ctx, users["dan"], nil, model.ProblemCodeBotNotFound, noon, model.Time{}, later))
	check(s.ClearProblem(ctx, users["dan"], nil, later))
	is("a message got through", later)
}
