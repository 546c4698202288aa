"""What happens at a time by itself: countdowns that cancel a symbol's orders, and good-till dates."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Any

Expiry = tuple[int, str, str, int, bool]  # good till (ms), account, symbol, id, is a conditional order


class Timers:
    """`next_ms` is the earliest deadline, None without one."""

    def __init__(self) -> None:
        self._countdowns: dict[tuple[str, str], int] = {}
        self._expiries: list[Expiry] = []
        self.next_ms: int | None = None

    def is_due(self, now_ms: int) -> bool:
        return self.next_ms is not None and self.next_ms <= now_ms

    def set_countdown(self, account_id: str, symbol: str, deadline_ms: int | None) -> None:
        """Replace the account's countdown of a symbol; None disarms it."""
        if deadline_ms is None:
            self._countdowns.pop((account_id, symbol), None)
        else:
            self._countdowns[account_id, symbol] = deadline_ms
        self._refresh()

    def run_down(self, account_id: str, passed_ms: int) -> None:
        """Move the account's countdowns nearer."""
        for key in [key for key in self._countdowns if key[0] == account_id]:
            self._countdowns[key] -= passed_ms
        self._refresh()

    def expire_at(self, good_till_ms: int, account_id: str, symbol: str, number: int, *, is_algo: bool) -> None:
        heappush(self._expiries, (good_till_ms, account_id, symbol, number, is_algo))
        self._refresh()

    def due_countdowns(self, now_ms: int) -> list[tuple[str, str]]:
        """Take out the countdowns that have run out: pairs of account and symbol."""
        due = [key for key, deadline_ms in self._countdowns.items() if deadline_ms <= now_ms]
        for key in due:
            del self._countdowns[key]
        self._refresh()
        return due

    def due_expiries(self, now_ms: int) -> list[Expiry]:
        """Take out the good-till dates that have passed; the order may have ended before."""
        due = []
        while self._expiries and self._expiries[0][0] <= now_ms:
            due.append(heappop(self._expiries))
        self._refresh()
        return due

    def _refresh(self) -> None:
        deadlines = list(self._countdowns.values())
        if self._expiries:
            deadlines.append(self._expiries[0][0])
        self.next_ms = min(deadlines, default=None)

    def dump(self) -> dict[str, Any]:
        return {
            "countdowns": [[*key, deadline_ms] for key, deadline_ms in self._countdowns.items()],
            "expiries": [list(expiry) for expiry in self._expiries],
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        rows = saved["expiries"]
        self._countdowns = {(account_id, symbol): at_ms for account_id, symbol, at_ms in saved["countdowns"]}
        self._expiries = [(at_ms, account, symbol, number, algo) for at_ms, account, symbol, number, algo in rows]
        heapify(self._expiries)
        self._refresh()
