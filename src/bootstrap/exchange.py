"""One mode's exchange: whose key, which addresses, who runs it, and that nobody else trades on that account."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from adapters.binance.connect import BinanceVenue, connect
from adapters.binance.rhythm import SilenceBounds
from adapters.locks import HeldLocks, lock_account, runtime_folders
from adapters.simulator_process import SHADOW_KEY, SHADOW_SECRET, SimulatorAddresses, SimulatorProcess
from bootstrap.patience import once_limits_reopen
from bootstrap.simulator_options import simulator_arguments
from config.loading import child_environment
from config.settings import Settings
from domain.account import Account, Mode
from domain.errors import Conflict, Unreachable
from orders.client_ids import PREFIX
from utils.clock import SystemClock

_SOURCE_ROOT: Final = Path(__file__).parents[1]
_REMEDIES: Final = {
    Mode.SHADOW: "start that simulator, or leave out --exchange-url to have one started",
    Mode.TESTNET: "check the network connection, or use --mode shadow",
}


class Exchange:
    """An account at an exchange that answers, held by this process alone. `undo` closes all of it again.

    Args:
        settings: of this run.
        mode: Shadow or Testnet.
        clock: of the house this exchange belongs to.
        folder: the data folder.
        undo: gets a call for each thing that was opened, in order.

    Raises:
        Unreachable: if it does not answer; in one sentence with the remedy.
        Conflict: if another process holds the account.
    """

    def __init__(self, settings: Settings, mode: Mode, clock: SystemClock, folder: Path, undo: ExitStack) -> None:
        self._settings, self._mode, self._clock, self._folder = settings, mode, clock, folder
        self._key, self._secret = self._credentials()
        self.account: Final = Account.of_key("binance", mode, self._key)
        if mode is not Mode.SHADOW:
            locks = self._lock(self.account.id, undo, "stop it first, or use another key")
        self.simulator: Final = self._own_simulator()
        self._addresses: Final = self._find(undo)
        try:
            self.venue: Final = once_limits_reopen(self._connect, clock)
        except Unreachable as error:
            raise self.out_of_reach(error) from error
        undo.callback(self.venue.close)
        if mode is Mode.SHADOW:
            locks = self._lock_shadow(undo)
        self.locks: Final = locks

    def out_of_reach(self, error: Unreachable) -> Unreachable:
        """Return the error for a person who waits for the start."""
        where = self._addresses.spot_url if self._addresses else f"Binance's {self._mode}"
        return Unreachable(f"{where} does not answer ({error}); {_REMEDIES[self._mode]}")

    def _credentials(self) -> tuple[str, str]:
        if self._mode is Mode.SHADOW:
            return SHADOW_KEY, SHADOW_SECRET
        key, secret = self._settings.credentials(self._mode)
        return key.get_secret_value(), secret.get_secret_value()

    def _own_simulator(self) -> SimulatorProcess | None:
        if self._mode is not Mode.SHADOW or self._settings.simulator.exchange_url:
            return None
        return SimulatorProcess(
            self._folder / "simulator",
            simulator_arguments(self._settings),
            _SOURCE_ROOT,
            self._settings.logging.log_file.with_name("simulator.log").resolve(),
            environment=child_environment(),
        )

    def _find(self, undo: ExitStack) -> SimulatorAddresses | None:
        if self.simulator is not None:
            addresses = self.simulator.start()
            undo.callback(self.simulator.abandon)
            return addresses
        url = self._settings.simulator.exchange_url
        if self._mode is not Mode.SHADOW or url is None:
            return None
        return SimulatorAddresses(url, self._settings.simulator.exchange_futures_url)

    def _connect(self) -> BinanceVenue:
        streams, addresses = self._settings.streams, self._addresses
        return connect(
            mode=self._mode,
            api_key=self._key,
            api_secret=self._secret,
            clock=self._clock,
            client_id_prefix=f"{PREFIX}-",
            spot_url=addresses.spot_url if addresses else None,
            futures_url=addresses.futures_url if addresses else None,
            silence=SilenceBounds(float(streams.silence_min_seconds), float(streams.silence_max_seconds)),
            witnesses=streams.witnesses,
            rules_file=None if self._mode is Mode.SHADOW else self._folder / f"rules-{self._mode.lower()}.json",
            closures=None if self._mode is Mode.SHADOW else self._folder / "closed-hosts",
        )

    def _lock_shadow(self, undo: ExitStack) -> HeldLocks:
        # All of Shadow uses one key. The simulator's own id tells accounts apart, whatever address it is reached by.
        instance = self.venue.exchange_instance
        if not instance:
            raise Conflict("the simulator there tells no id of its own; end it and start the one of this version")
        return self._lock(f"{self.account.id}:{instance}", undo, "stop it first, or use another simulator")

    def _lock(self, account_id: str, undo: ExitStack, remedy: str) -> HeldLocks:
        locks = lock_account(account_id, runtime_folders(), remedy)
        undo.callback(locks.release)
        return locks
