"""A replay at full speed waits for whoever trades the contract, as it does on spot."""

from decimal import Decimal
from pathlib import Path
from queue import Queue
from threading import Event, Thread

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from domain.events import OrderEvent, OrderReported, StreamResumed
from domain.orders import OrderType, Side, Status
from fakes.inbox import RecordingInbox
from fakes.um_orders import BTC_PERPETUAL, order_of
from fakes.venue_process import KEY, SECRET, VenueProcess
from utils.clock import SystemClock

FIRST_MS = 1_722_816_000_000  # 2024-08-05
CANDLES = 30
BEFORE = 10


class PingPong:
    """Answers each fill with an order on the other side, from a thread of its own."""

    def __init__(self, venue: BinanceVenue) -> None:
        self.venue, self.unread = venue, Queue[OrderEvent]()
        self.fills: list[OrderReported] = []

    def price(self, _event: object) -> None:
        """Prices decide nothing here."""

    def order(self, event: OrderEvent) -> None:
        self.unread.put(event)

    def place(self, side: Side) -> None:
        price = Decimal(995) if side is Side.BUY else Decimal(1005)
        order = order_of(price, side, OrderType.LIMIT_MAKER, quantity=Decimal("0.2"))
        self.venue.gateway.submit(order, self.order)

    def work(self, done: Event) -> None:
        while not done.is_set():
            while not self.unread.empty():
                event = self.unread.queue[0]  # stays unread until it is dealt with
                if isinstance(event, OrderReported) and event.order.status is Status.FILLED and event.fills:
                    self.fills.append(event)
                    self.place(event.order.side.opposite)
                self.unread.get()
            done.wait(0.0002)


def test_each_swing_of_the_market_is_traded_and_each_round_realizes_its_profit(tmp_path: Path) -> None:
    rows = ["open_time,open,high,low,close,volume"]
    rows += [f"{FIRST_MS + minute * 60_000},1000,1010,990,1000,500" for minute in range(CANDLES)]
    file = tmp_path / "BTCUSDT_1m.csv"
    file.write_text("\n".join(rows) + "\n")
    start = str(FIRST_MS + BEFORE * 60_000)
    market = ("--market", "replay", "--data", str(file), "--speed", "max", "--from", start)
    with VenueProcess(*market, "--futures-balance", "USDT=10000") as process:
        venue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            clock=SystemClock(),
            client_id_prefix="ghtest",
            spot_url=process.url,
            futures_url=process.ready["futures_url"],
        )
        try:
            reader, inbox = PingPong(venue), RecordingInbox()
            venue.streams.watch(BTC_PERPETUAL, inbox)
            inbox.until(lambda i: len(i.of(StreamResumed)) == 2)
            venue.streams.watch(BTC_PERPETUAL, reader)
            reader.place(Side.BUY)
            done = Event()
            worker = Thread(target=reader.work, args=(done,))
            worker.start()
            try:
                venue.io.run(venue.lockstep(reader.unread.empty).run(), 200)
            finally:
                done.set()
                worker.join(60)
        finally:
            venue.close()
    sides = [report.order.side for report in reader.fills]
    assert sides == [Side.BUY, Side.SELL] * (CANDLES - BEFORE), "each minute falls and rises once"
    profits = [fill.realized_profit for report in reader.fills for fill in report.fills]
    assert profits == [Decimal(0), Decimal(2)] * (CANDLES - BEFORE)
