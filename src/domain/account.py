"""Whose books these are: every row, lock and grid carries its account."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Where orders go. The words are those the API answers with."""

    SHADOW = "Shadow"
    TESTNET = "Testnet"
    PRODUCTION = "Production"

    @classmethod
    def parse(cls, text: str) -> "Mode":
        """Read a mode in any case; `Test` means Testnet.

        Raises:
            ValueError: naming the words that are accepted.
        """
        word = text.strip().lower()
        known = {
            "shadow": cls.SHADOW,
            "testnet": cls.TESTNET,
            "test": cls.TESTNET,
            "production": cls.PRODUCTION,
        }
        if word not in known:
            raise ValueError(f"mode must be Shadow, Testnet or Production, was {text!r}")
        return known[word]


@dataclass(frozen=True, slots=True)
class Account:
    """One account at one venue in one mode, told apart by a fingerprint of its key (never the key)."""

    venue: str
    mode: Mode
    fingerprint: str

    @classmethod
    def of_key(cls, venue: str, mode: Mode, api_key: str) -> "Account":
        """Return the account that `api_key` opens; the fingerprint is 12 hex digits of its SHA-256."""
        digest = hashlib.sha256(f"{venue}:{mode.lower()}:{api_key}".encode()).hexdigest()
        return cls(venue, mode, digest[:12])

    @property
    def id(self) -> str:
        """Return the text that stands for this account in rows, locks and log lines."""
        return f"{self.venue}:{self.mode.lower()}:{self.fingerprint}"
