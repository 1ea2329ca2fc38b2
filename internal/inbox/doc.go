// Package inbox is what a person does with their inbox: reading it page by page, marking, archiving, and asking what
// became of a notification on every channel. It also removes what is too old.
//
// It owns the cursors of pages, the limits of requests and the words of their errors. It does not own the numbers of
// changes or the unread count, which the database keeps in one transaction with the change itself, nor the live
// streams: after a change it tells a Publisher, which may lose the news without harm.
//
// Every method takes the id of the person whose inbox it is, and finds nothing of anybody else: what is missing and
// what belongs to another person look alike.
package inbox
