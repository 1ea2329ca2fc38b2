package preference

import (
	"slices"

	"github.com/heffl/bff/model"
)

// Source is where a toggle's value comes from, as a small number.
type Source uint8

// The sources, weakest first.
const (
	SourceCatalog Source = iota
	SourceWorkspace
	SourceUser
	SourceLocked
)

var sources = [...]model.PreferenceSource{
	model.PreferenceSourceCatalog, model.PreferenceSourceWorkspace, model.PreferenceSourceUser, model.PreferenceSourceLocked,
}

// Model is the source as the API names it.
func (s Source) Model() model.PreferenceSource { return sources[s] }

// Blocks are the reasons why something enabled does not deliver, as a small number: 0 is none. Twice the place of the
// channel's own trouble in blockers, plus one when the person turned the channel off.
type Blocks uint8

// blockers are the troubles that a channel can have; it has one at most.
var blockers = [...]struct {
	skip  model.SkipReason
	block model.BlockReason
}{
	{},
	{model.SkipReasonNotConnected, model.BlockReasonNotConnected},
	{model.SkipReasonNeedsReconnect, model.BlockReasonNeedsReconnect},
	{model.SkipReasonIntegrationProblem, model.BlockReasonIntegrationProblem},
	{model.SkipReasonAddressMissing, model.BlockReasonAddressMissing},
	{model.SkipReasonAddressBounced, model.BlockReasonAddressBounced},
}

// NumBlocks is how many values Blocks has.
const NumBlocks = 2 * len(blockers)

// blockLists are all lists that Blocks can stand for, so that pages share them. Nobody writes to them.
var blockLists = func() (lists [NumBlocks][]model.BlockReason) {
	for i, b := range blockers {
		alone := []model.BlockReason{}
		if b.block != "" {
			alone = append(alone, b.block)
		}
		lists[2*i] = alone
		lists[2*i+1] = append(slices.Clip(alone), model.BlockReasonChannelOff)
	}
	return lists
}()

// blocksOf is a reason of unreachable as Blocks. A person who is inactive has no page, so that reason has no number.
func blocksOf(why model.SkipReason) Blocks {
	for i, b := range blockers {
		if b.skip == why {
			return Blocks(2 * i)
		}
	}
	return 0
}

func (b Blocks) withChannelOff() Blocks { return b | 1 }

// List is the reasons as the API names them: first what Decide would say. The list is shared: do not write to it.
func (b Blocks) List() []model.BlockReason { return blockLists[b] }
