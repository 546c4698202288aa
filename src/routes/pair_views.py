"""The selection of pairs as the API shows it."""

from collections.abc import Collection

from pydantic import Field

from domain.instrument import Instrument, Market
from domain.money import plain
from domain.pairs import Candidate, MarketLook, MarketShare, Proposal, Reason
from domain.switches import Switch
from ports.pairs import PairsShown
from routes.addressing import symbol_of
from routes.formats import iso, number_or_none
from routes.messages import say
from routes.views import View


class CandidateView(View):
    symbol: str
    market_type: str
    accepted: bool
    rank: int | None = Field(description="1 is the best of those accepted, null for others")
    score: float | None = Field(description="0 to 100, null for a pair that was refused")
    preferred: bool
    running: bool = Field(description="a grid runs on it now")
    price: str
    volume_24h_usd: str | None
    spread_percent: float | None = Field(description="of the middle price")
    atr_percent: float | None = Field(description="average true range of a day, of the last price; null: not read")
    adx: float | None = Field(description="0 to 100, of candles of four hours; null: not read")
    liquidity_usd: str | None = Field(description="null: not read")
    liquidity: str = Field(description="depth: bids and asks within 2 % of the middle, at least so much; open_interest")
    reasons: list[str] = Field(description="why it was refused, empty where it was not")

    @classmethod
    def of(cls, candidate: Candidate, rank: int | None, running: Collection[Instrument]) -> "CandidateView":
        facts = candidate.facts
        return cls(
            symbol=symbol_of(facts.instrument),
            market_type=facts.instrument.market.value,
            accepted=candidate.is_accepted,
            rank=rank,
            score=number_or_none(candidate.score),
            preferred=candidate.is_preferred,
            running=facts.instrument in running,
            price=plain(facts.price),
            volume_24h_usd=None if facts.volume_usd is None else plain(facts.volume_usd),
            spread_percent=number_or_none(facts.spread_percent),
            atr_percent=number_or_none(facts.atr_percent),
            adx=number_or_none(facts.adx),
            liquidity_usd=None if facts.liquidity_usd is None else plain(facts.liquidity_usd),
            liquidity="depth" if facts.instrument.market is Market.SPOT else "open_interest",
            reasons=[told(reason) for reason in candidate.against],
        )


class MarketLookView(View):
    market_type: str
    listed: int = Field(description="pairs quoted in USDT")
    looked_at: int = Field(description="pairs whose candles and liquidity were read")
    accepted: int
    reasons: list[str] = Field(description="why it could not be read, and which preferred symbols it does not have")

    @classmethod
    def of(cls, look: MarketLook, candidates: Collection[Candidate]) -> "MarketLookView":
        unlisted = [say("pair_unlisted", symbols=", ".join(look.unlisted))] if look.unlisted else []
        return cls(
            market_type=look.market.value,
            listed=look.listed,
            looked_at=look.looked_at,
            accepted=sum(it.is_accepted and it.instrument.market is look.market for it in candidates),
            reasons=[look.trouble, *unlisted] if look.trouble else unlisted,
        )


class ProposalView(View):
    action: str = Field(description="open, end (wind down), or switch to the other market")
    symbol: str
    market_type: str
    to_market: str | None = Field(description="of a switch")
    held_back: str = Field(description="why it is not done, empty where it is about to be")

    @classmethod
    def of(cls, proposal: Proposal) -> "ProposalView":
        return cls(
            action=proposal.act.value,
            symbol=symbol_of(proposal.instrument),
            market_type=proposal.instrument.market.value,
            to_market=None if proposal.target is None else proposal.target.market.value,
            held_back="" if proposal.held_back is None else told(proposal.held_back),
        )


class ShareView(View):
    market_type: str
    percent: float = Field(description="of all capital the grids may use")
    budget_usd: str | None = Field(description="null while the wallet cannot be read: it stays unused")
    used_usd: str = Field(description="capital of the grids that run there, whoever started them")
    free_usd: str | None = Field(description="in the wallet, and what no running grid counts on")
    reason: str

    @classmethod
    def of(cls, share: MarketShare) -> "ShareView":
        return cls(
            market_type=share.market.value,
            percent=float(share.fraction * 100),
            budget_usd=None if share.budget is None else plain(share.budget),
            used_usd=plain(share.used),
            free_usd=None if share.free is None else plain(share.free),
            reason=share.trouble,
        )


class SwitchView(View):
    number: int
    symbol: str
    from_market: str
    to_market: str
    phase: str = Field(description="unwinding the old grid, moving its funds, starting the new one, done, or failed")
    reason: str = Field(description="what it waits for, or why it failed and where the funds are")
    amount_usd: str | None = Field(description="what changes wallets, null while that is not known or nothing does")
    transfer_id: int | None = Field(description="the exchange's number of the transfer")
    began_at: str = Field(description="market time")
    ended_at: str | None

    @classmethod
    def of(cls, switch: Switch) -> "SwitchView":
        transfer = switch.transfer
        return cls(
            number=switch.number,
            symbol=symbol_of(switch.source),
            from_market=switch.source.market.value,
            to_market=switch.target.market.value,
            phase=switch.phase.value,
            reason=switch.reason,
            amount_usd=None if transfer is None else plain(transfer.amount),
            transfer_id=switch.transfer_id,
            began_at=iso(switch.began_ms),
            ended_at=None if switch.ended_ms is None else iso(switch.ended_ms),
        )


class SelectionView(View):
    selected_at: str | None = Field(description="market time of the newest selection, null before the first one")
    next_at: str | None = Field(description="market time of the next one")
    age_seconds: float | None = Field(description="of the oldest fact it rests on")
    stale: bool = Field(description="it is too old to be acted upon, or there is none")
    looking: bool = Field(description="a selection is under way")
    reason: str = Field(description="why the newest selection could not be made")
    autopilot: bool = Field(description="true: what is proposed is done; false: it is only told")
    proposals: list[ProposalView] = Field(description="what would bring the grids nearer to the selection, in order")
    allocation: list[ShareView] = Field(description="by market; empty before the first selection")
    switches: list[SwitchView] = Field(description="pairs that changed markets, the newest first, 20 at most")
    markets: list[MarketLookView]
    total: int = Field(description="pairs that match the query")
    pairs: list[CandidateView] = Field(description="accepted ones first, best first; then the others by volume")

    @classmethod
    def of(cls, shown: PairsShown, pairs: list[CandidateView], total: int) -> "SelectionView":
        selection = shown.selection
        candidates = () if selection is None else selection.candidates
        return cls(
            selected_at=None if selection is None else iso(selection.taken_ms),
            next_at=None if shown.next_ms is None else iso(shown.next_ms),
            age_seconds=None if shown.age_s is None else round(shown.age_s, 1),
            stale=shown.stale,
            looking=shown.is_looking,
            reason=shown.trouble,
            autopilot=shown.autopilot,
            proposals=[ProposalView.of(proposal) for proposal in shown.proposals],
            switches=[SwitchView.of(switch) for switch in shown.switches],
            allocation=[ShareView.of(share) for share in shown.shares],
            markets=[] if selection is None else [MarketLookView.of(look, candidates) for look in selection.markets],
            total=total,
            pairs=pairs,
        )


class LookingView(View):
    success: bool
    message: str


def told(reason: Reason) -> str:
    """Return a reason as a sentence in the request's language."""
    return say(f"pair_{reason.word}", **reason.values)
