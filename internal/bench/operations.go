package bench

import "strconv"

// The operations of the workloads, as a page of the app sends them.
const (
	// Settings is W1: the whole settings page.
	Settings = `{viewer{id name cliq{status region{code} botUniqueName connectedAt} notificationSettings{revision categories{key label ` +
		`events{eventType label description importance cells{channel enabled default source delivers}}}}}}`
	// Inbox is W2: a page of notifications with the unread count.
	Inbox = `query($after:String){viewer{inbox{unreadCount cursor notifications(first:20,after:$after){edges{cursor ` +
		`node{id eventType title body url actor{name} createdAt readAt}} pageInfo{hasNextPage endCursor}}}}}`
	// Toggle is W3: one cell.
	Toggle = `mutation($input:UpdateNotificationPreferencesInput!){updateNotificationPreferences(input:$input)` +
		`{changed{eventType cells{channel enabled delivers}} settings{revision} userErrors{code}}}`
	// Publish is W4: an event for a thousand people.
	Publish = `mutation($input:PublishEventInput!){publishEvent(input:$input){notified duplicate unknownRecipientIds userErrors{code}}}`
	// Changes is W5: the live inbox.
	Changes = `subscription{inboxChanged{... on NotificationReceived{cursor unreadCount notification{id eventType title url createdAt}}}}`
	// First is W6: the least that proves that token, database and schema work.
	First = `{viewer{id inbox{unreadCount}}}`
)

// Head is the beginning of a request body with variables: the variables and a closing brace follow.
func Head(operation string) string { return `{"query":` + strconv.Quote(operation) + `,"variables":` }

// Body is a whole request body without variables.
func Body(operation string) string { return `{"query":` + strconv.Quote(operation) + `}` }

// What the seed has and both programs agree on.
const (
	// Workspace is Heffl's id of the workspace that everybody is in.
	Workspace = "bench"
	// AppURL is where the notifications link to.
	AppURL = "http://app.localhost"
	// EventType is what W3 toggles and W4 publishes: by default it delivers on every channel.
	EventType = "deal.won"
	// PageSize is how many notifications W2 asks for.
	PageSize = 20
)
