// Package catalog is the list of event types: what Heffl's services may publish, how it reads and who gets it
// where unless somebody chose otherwise.
//
// It owns catalog.json and everything that follows from it alone: checking the data of an event, and turning
// an event into text, a link and a subject. It does not know people: every recipient of an event reads the same
// words, dates are shown as they were given and moments in UTC. It is pure: no clock, no network, no database.
//
// Adding or changing an event type touches catalog.json and nothing else; Load refuses a file that does not
// hold together, and a test loads it.
//
// # Templates
//
// A template is text with placeholders that name fields of the event type, or one of the common fields eventId,
// eventType, occurredAt, workspaceId, workspaceName, actorId, actorName and url (and title, in "cliq" only).
//
//	{dealTitle}                 the field; it must always be there, unless it stands in brackets
//	[ with {clientName}]        left out as a whole when a placeholder in it has no value
//	{daysOverdue|day|days}      the number with the right word: 1 day, 2 days
//	{memberId??memberName}      the first one that has a value
//
// "body" is a list of lines. A line is left out when a placeholder in it has no value, and when it is nothing but one
// value that the title shows already. Values are never read as templates.
//
// # Kinds
//
// The kinds of fields are text, id, integer, decimal, currency, date, instant, url, path (segments of a path
// in the app, "deals" or "settings/team") and route (a path that may end in ?query and #fragment).
package catalog
