"""What the venue's word on a symbol means for a grid: how long it is closed, and whether it ever opens again."""

from typing import Final

NOT_LISTED: Final = "NOT_LISTED"
"""The status of a symbol that the venue lists no more."""
_ENDING: Final = frozenset({"PRE_SETTLE", "SETTLING", "PRE_DELIVERING", "DELIVERING", "DELIVERED", "CLOSE"})
"""Statuses of a contract that ends (protocol section 1.6)."""


def why_closed(name: str, status: str) -> str:
    """Tell people why nothing is sent for a symbol that does not trade, and what happens next."""
    if status == NOT_LISTED:
        return (
            f"{name} is not listed at the venue any more: nothing is sent or asked, and the books are kept. The grid "
            "goes on if the symbol is listed again; stop it to close its books"
        )
    if status in _ENDING:
        return f"{name} is {status} at the venue: the contract ends; the grid ends once its position was settled"
    return f"{name} is {status} at the venue; nothing is sent until it trades again"
