"""One USD-M account: the USDT wallet, its positions and settings, and the rows that explain every change."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from simulator.um.core.orders import IncomeRow, IncomeType, MarginChange, MarginType, PositionSide
from simulator.um.core.positions import Position

DEFAULT_LEVERAGE: Final = 20

HEDGE_SIDES: Final = (PositionSide.LONG, PositionSide.SHORT)
ONE_WAY_SIDES: Final = (PositionSide.BOTH,)


@dataclass(slots=True)
class Settings:
    """How an account trades one symbol."""

    leverage: int = DEFAULT_LEVERAGE
    margin_type: MarginType = MarginType.CROSSED

    @property
    def is_isolated(self) -> bool:
        return self.margin_type is MarginType.ISOLATED


@dataclass(slots=True)
class FuturesAccount:
    """Amounts in USDT scaled by UNIT; rates in parts per million.

    `warned` holds what a margin call was sent for and has not recovered: position keys, None for cross.
    """

    account_id: str
    maker_ppm: int
    taker_ppm: int
    hedge: bool = False
    cross_wallet: int = 0
    update_ms: int = 0
    settings: dict[str, Settings] = field(default_factory=dict)
    positions: dict[tuple[str, PositionSide], Position] = field(default_factory=dict)
    income: list[IncomeRow] = field(default_factory=list)
    margin_changes: list[MarginChange] = field(default_factory=list)
    warned: set[tuple[str, PositionSide] | None] = field(default_factory=set)

    @property
    def wallet(self) -> int:
        """Cross wallet and isolated wallets together: the sum of all income rows."""
        return self.cross_wallet + sum(position.isolated_wallet for position in self.positions.values())

    @property
    def sides(self) -> tuple[PositionSide, ...]:
        return HEDGE_SIDES if self.hedge else ONE_WAY_SIDES

    def setting(self, symbol: str) -> Settings:
        found = self.settings.get(symbol)
        if found is None:
            found = self.settings[symbol] = Settings()
        return found

    def position(self, symbol: str, side: PositionSide) -> Position:
        found = self.positions.get((symbol, side))
        if found is None:
            found = self.positions[symbol, side] = Position(symbol, side)
        return found

    def of_symbol(self, symbol: str) -> list[Position]:
        """Return the symbol's positions in the account's mode, flat ones too."""
        return [self.position(symbol, side) for side in self.sides]

    def held(self) -> Iterator[Position]:
        """Yield the positions that are not flat."""
        return (position for position in self.positions.values() if position.quantity)

    def held_cross(self) -> list[Position]:
        return [position for position in self.held() if not self.setting(position.symbol).is_isolated]

    def is_flat(self, symbol: str) -> bool:
        return not any(position.quantity for position in self.of_symbol(symbol))

    def book_income(self, row: IncomeRow) -> None:
        self.income.append(row)
        self.update_ms = row.time_ms

    def dump(self) -> dict[str, Any]:
        return {
            **self.dump_settings(),
            "income": [asdict(row) for row in self.income],
            "margin_changes": [asdict(row) for row in self.margin_changes],
        }

    def dump_settings(self) -> dict[str, Any]:
        """Return all but the rows that only ever grow."""
        return {
            "account_id": self.account_id,
            "maker_ppm": self.maker_ppm,
            "taker_ppm": self.taker_ppm,
            "hedge": self.hedge,
            "cross_wallet": self.cross_wallet,
            "update_ms": self.update_ms,
            "settings": {symbol: [s.leverage, s.margin_type] for symbol, s in self.settings.items()},
            "positions": [position.dump() for position in self.positions.values()],
            "warned": sorted([] if key is None else list(key) for key in self.warned),
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        positions = [Position.load(position) for position in saved["positions"]]
        rebuilt = {
            "settings": {symbol: Settings(lev, MarginType(kind)) for symbol, (lev, kind) in saved["settings"].items()},
            "positions": {position.key: position for position in positions},
            "income": [IncomeRow(**{**row, "type": IncomeType(row["type"])}) for row in saved["income"]],
            "margin_changes": [
                MarginChange(**{**row, "position_side": PositionSide(row["position_side"])})
                for row in saved["margin_changes"]
            ],
            "warned": {(key[0], PositionSide(key[1])) if key else None for key in saved["warned"]},
        }
        return cls(**{**saved, **rebuilt})
