package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The documents of the story. Each asks for what a client would show.
const (
	notificationFields = `id eventType title body url path subject { type id } createdAt readAt
		channels { channel status reason problem folded attempts finishedAt }`
	viewerFields = `userId cliq { status botUniqueName regionCorrected region { code } problem { code remedy occurrences } }`

	inboxQuery        = `query { viewer { inbox { unreadCount cursor notifications(first: 100) { nodes { ` + notificationFields + ` } } } } }`
	viewerQuery       = `query { viewer { ` + viewerFields + ` } }`
	settingsQuery     = `query { viewer { notificationSettings { categories { events { eventType cells { channel enabled default source } } } } } }`
	publishMutation   = `mutation ($input: PublishEventInput!) { publishEvent(input: $input) { event { id } duplicate notified unknownRecipientIds userErrors { code field message } } }`
	connectMutation   = `mutation ($input: ConnectCliqInput!) { connectCliq(input: $input) { consentUrl userErrors { code field message } } }`
	botMutation       = `mutation ($input: UpdateCliqBotInput!) { updateCliqBot(input: $input) { userErrors { code field message } } }`
	testMutation      = `mutation { sendCliqTestMessage { delivered outcome userErrors { code message } } }`
	disconnectCliq    = `mutation { disconnectCliq { revocation integration { status } userErrors { code message } } }`
	channelMutation   = `mutation ($input: SetChannelEnabledInput!) { setChannelEnabled(input: $input) { userErrors { code message } } }`
	cellsMutation     = `mutation ($input: UpdateNotificationPreferencesInput!) { updateNotificationPreferences(input: $input) { changed { eventType } userErrors { code field message } } }`
	readMutation      = `mutation ($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) { inbox { unreadCount } userErrors { code field message } } }`
	syncMutation      = `mutation ($input: SyncUsersInput!) { syncUsers(input: $input) { synced userErrors { code field message } } }`
	completeMutation  = `mutation ($input: CompleteCliqConnectInput!) { completeCliqConnect(input: $input) { integration { status } userErrors { code field message } } }`
	inboxSubscription = `subscription ($after: Cursor) { inboxChanged(after: $after) { __typename
		... on NotificationReceived { cursor unreadCount notification { id eventType title } }
		... on NotificationsUpdated { cursor unreadCount notifications { id readAt } }
		... on InboxReset { cursor unreadCount reason } } }`
	viewerSubscription = `subscription { viewerChanged { ` + viewerFields + ` } }`
)

// notification is one as its recipient sees it.
type notification struct {
	ID, EventType, Title, URL, Path string
	Body                            *string
	Subject                         struct{ Type, ID string }
	ReadAt                          *time.Time
	Channels                        []channelOutcome
}

// channelOutcome is what became of it on one channel.
type channelOutcome struct {
	Channel, Status string
	Reason, Problem *string
	Folded          bool
	Attempts        int
	FinishedAt      *time.Time
}

// on is the outcome on one channel.
func (n *notification) on(channel string) channelOutcome {
	i := slices.IndexFunc(n.Channels, func(o channelOutcome) bool { return o.Channel == channel })
	if i < 0 {
		return channelOutcome{}
	}
	return n.Channels[i]
}

// settled reports whether nothing more will happen to it.
func (n *notification) settled() bool {
	return !slices.ContainsFunc(n.Channels, func(o channelOutcome) bool {
		return slices.Contains([]string{"QUEUED", "SENDING", "RETRYING"}, o.Status)
	})
}

// says is status, reason and problem of a channel in one word each.
func (o channelOutcome) says() string {
	words := []string{o.Status}
	for _, more := range []*string{o.Reason, o.Problem} {
		if more != nil {
			words = append(words, *more)
		}
	}
	return strings.Join(words, " ")
}

// inbox is somebody's inbox.
type inbox struct {
	UnreadCount   int
	Cursor        string
	Notifications struct{ Nodes []notification }
}

func (p *person) inbox(tb testing.TB) inbox {
	tb.Helper()
	return ask[struct{ Inbox inbox }](tb, p, inboxQuery, nil).Inbox
}

// viewer is somebody with the state of their connection.
type viewer struct {
	UserID string
	Cliq   struct {
		Status          string
		BotUniqueName   *string
		RegionCorrected bool
		Region          *struct{ Code string }
		Problem         *struct {
			Code, Remedy string
			Occurrences  int
		}
	}
}

// problem is the code of what is wrong, or nothing.
func (v *viewer) problem() string {
	if v.Cliq.Problem == nil {
		return ""
	}
	return v.Cliq.Problem.Code
}

func (p *person) viewer(tb testing.TB) viewer {
	tb.Helper()
	return ask[viewer](tb, p, viewerQuery, nil)
}

// published is what publishEvent answers.
type published struct {
	Event               *struct{ ID string }
	Duplicate           bool
	Notified            int
	UnknownRecipientIDs []string
	UserErrors          []userError
}

// publish publishes what must be accepted.
func (p *person) publish(tb testing.TB, fields map[string]any) published {
	tb.Helper()
	got := ask[published](tb, p, publishMutation, input(fields))
	wantNoErrors(tb, "publishEvent", got.UserErrors)
	return got
}

// begun is what connectCliq answers.
type begun struct {
	ConsentURL *string
	UserErrors []userError
}

// beginConnect asks for the consent page.
func (p *person) beginConnect(tb testing.TB, region, bot, returnTo string) string {
	tb.Helper()
	got := ask[begun](tb, p, connectMutation, input(map[string]any{"region": region, "bot": bot, "returnTo": returnTo}))
	wantNoErrors(tb, "connectCliq", got.UserErrors)
	return *got.ConsentURL
}

// setBot changes the bot.
func (p *person) setBot(tb testing.TB, bot string) {
	tb.Helper()
	got := ask[struct{ UserErrors []userError }](tb, p, botMutation, input(map[string]any{"bot": bot}))
	wantNoErrors(tb, "updateCliqBot", got.UserErrors)
}

// change is one result of inboxChanged.
type change struct {
	Typename      string `json:"__typename"`
	Cursor        string
	UnreadCount   int
	Notification  *notification
	Notifications []notification
	Reason        string
}

// settledInbox waits until nothing is under way any more and answers the inbox.
func (p *person) settledInbox(tb testing.TB) inbox {
	tb.Helper()
	var got inbox
	eventually(tb, p.id+"'s deliveries have ended", waitLong, func() bool {
		got = p.inbox(tb)
		return !slices.ContainsFunc(got.Notifications.Nodes, func(n notification) bool { return !n.settled() })
	})
	return got
}

// latest is the newest notification of a type, once nothing is under way any more.
func (p *person) latest(tb testing.TB, eventType string) notification {
	tb.Helper()
	got := p.settledInbox(tb).Notifications.Nodes
	i := slices.IndexFunc(got, func(n notification) bool { return n.EventType == eventType })
	if i < 0 {
		tb.Fatalf("%s's inbox has nothing of the type %s", p.id, eventType)
	}
	return got[i]
}

// text is what s points to, or nothing.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
