package model

import (
	"errors"

	"github.com/google/uuid"
)

// ErrLeaseLost says that the lease under which something was to be done is no longer held: nothing was done.
var ErrLeaseLost = errors.New("the lease is no longer held")

// Delivery is one notification on its way through one channel that leaves the process: e-mail or Cliq.
type Delivery struct {
	NotificationID uuid.UUID `gorm:"primaryKey"`
	Channel        Channel   `gorm:"primaryKey"`
	UserID         uuid.UUID
	Status         DeliveryStatus
	// Reason is set when what was to be sent no longer may be (SKIPPED).
	Reason SkipReason
	// Attempts counts how often it was marked SENDING, the present attempt included.
	Attempts      int32
	NextAttemptAt Time
	LeaseID       *uuid.UUID
	LeaseUntil    Time
	Problem       ProblemCode
	// Carrier is the notification whose message told this one together with others; nil: it went alone.
	Carrier    *uuid.UUID
	FinishedAt Time
}

// deliveryStatuses gives every status its number in the database; the numbers never change.
var deliveryStatuses = [...]DeliveryStatus{
	DeliveryStatusQueued, DeliveryStatusSending, DeliveryStatusRetrying, DeliveryStatusSent,
	DeliveryStatusFailed, DeliveryStatusOutcomeUnknown, DeliveryStatusSkipped,
}

// Number is the status as a small number, for the database.
func (e DeliveryStatus) Number() int16 {
	for i, s := range deliveryStatuses {
		if s == e {
			return int16(i)
		}
	}
	return -1
}

// DeliveryStatusOf is the status with the given number.
func DeliveryStatusOf(n int16) DeliveryStatus { return deliveryStatuses[n] }

// Outgoing is a delivery with what is needed to send it.
type Outgoing struct {
	Delivery Delivery
	Event    Event
	// CreatedAt is when the notification was made.
	CreatedAt Time
	// User is the recipient as they are now.
	User User
}

// DeliveryOutcome is how one attempt ended, for every delivery that went in it.
type DeliveryOutcome struct {
	NotificationIDs []uuid.UUID
	Channel         Channel
	// LeaseID is the lease under which they were marked SENDING; without it nothing is written.
	LeaseID uuid.UUID
	// Status is what they are from now on.
	Status  DeliveryStatus
	Problem ProblemCode // empty: none
	// NextAttemptAt goes with QUEUED and RETRYING, FinishedAt with everything that ends a delivery.
	NextAttemptAt Time
	FinishedAt    Time
	// Untried: nothing left this machine, so the attempt is not counted.
	Untried bool
}

// NeedsPerson reports whether a problem with an integration stays until somebody does something about it. Any other
// problem is a pause: what is decided meanwhile is delivered later.
func (e ProblemCode) NeedsPerson() bool {
	switch e {
	case ProblemCodeBotNotFound, ProblemCodeDeliveredToOthers, ProblemCodeNotSubscribed, ProblemCodeProviderMisconfigured:
		return true
	default:
		return false
	}
}
