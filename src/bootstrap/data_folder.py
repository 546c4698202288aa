"""The data folder for whoever looks after it, with or without a server at work on it."""

import contextlib
from collections.abc import Sequence

from adapters.data_folder import DataFolder, FolderFacts
from config.loading import load_settings_of_process
from config.settings import Settings
from domain.account import Mode
from domain.errors import TradingError
from grid.audit import BooksAudit, GridAudit, audit
from ports.store import OrderHistory, StoreFailed

__all__ = [
    "REFUSALS",
    "BooksAudit",
    "DataFolder",
    "FolderFacts",
    "GridAudit",
    "OrderHistory",
    "audit_books",
    "data_folder",
    "data_folder_of",
    "order_histories",
]

REFUSALS = (TradingError, StoreFailed)
"""What may keep a command from being done; each is one sentence for a person."""


def data_folder(settings: Settings) -> DataFolder:
    """Return the data folder these settings name."""
    url = settings.database.url
    return DataFolder(settings.server.data_dir, url.get_secret_value() if url else None)


def data_folder_of(options: Sequence[str], program: str) -> DataFolder:
    """Return the data folder that options, environment and configuration file name.

    Raises:
        ConfigError: holding every mistake.
    """
    # Shadow, whatever the file says: who looks after the folder needs neither keys nor a confirmation.
    return data_folder(load_settings_of_process(program, [*options, "--mode", Mode.SHADOW]))


def audit_books(folder: DataFolder) -> BooksAudit:
    """Read all books of a data folder and rebuild every grid's.

    Raises:
        StoreFailed: if there are none, or they are of another version.
    """
    with contextlib.closing(folder.reader()) as reader:
        return audit(reader)


def order_histories(folder: DataFolder, client_id: str) -> dict[str, OrderHistory]:
    """Return by account what is stored of the order of this client id; empty where no account's books know it.

    Raises:
        StoreFailed: if there are no books, they are damaged, or of another version.
    """
    with contextlib.closing(folder.reader()) as reader:
        if reader.problems:
            raise StoreFailed(
                f"the books are damaged ({reader.problems[0]}); put a copy back: python -m cli restore FILE"
            )
        found = {account.id: reader.history(account, client_id) for account in reader.accounts()}
    return {account: history for account, history in found.items() if history is not None}
