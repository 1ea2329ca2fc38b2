// Package preference decides who gets what where: catalog × rules of the workspace × choices of the person × state
// of the channels gives, for every channel, "deliver" or the reason why not.
//
// It owns that decision and the settings page, which shows the same decision for every event type before it happens:
// Decide and a cell's Delivers always agree. It is pure: no clock, no network, no database, no state.
//
// The order is the same for every channel; the first that applies decides:
//
//  1. nothing can be delivered there at all (INACTIVE, NOT_CONNECTED, NEEDS_RECONNECT, INTEGRATION_PROBLEM,
//     ADDRESS_MISSING, ADDRESS_BOUNCED)
//  2. the catalog locks the cell: deliver, whatever anybody chose
//  3. the workspace locks it off (LOCKED_OFF)
//  4. the person turned the channel off (CHANNEL_OFF), even if the workspace locks the cell on
//  5. the workspace locks it on: deliver
//  6. the person's own choice for the cell, else the workspace's default, else the catalog's (EVENT_OFF)
//
// A rule of the workspace on a cell that the catalog locks has no effect here; CheckRule is for refusing it.
package preference
