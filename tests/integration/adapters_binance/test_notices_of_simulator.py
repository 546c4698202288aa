"""What our own exchange says of its market reaches whoever asks the venue, and goes when it is over."""

import asyncio
from threading import Event

from aiohttp import web

from adapters.binance.connect import connect
from domain.account import Mode
from fakes.exchange_stub import ExchangeStub
from utils.clock import SystemClock

BAN = "Binance has banned this address: api.example.com is sent nothing until 2026-11-20 00:02:00 UTC"
STATE = {"market_source": "live", "speed": 1.0, "instance": "a"}


async def _soon(_seconds: float) -> None:
    await asyncio.sleep(0.001)


def test_a_ban_of_the_market_is_told_for_as_long_as_it_lasts() -> None:
    asked, banned = {False: Event(), True: Event()}, Event()
    banned.set()
    answered: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        if request.path != "/admin/state":
            return web.json_response({"serverTime": 1_795_132_800_000})
        answered.append(banned.is_set())
        if len(answered) > 1:  # the answer before this one has been taken in
            asked[answered[-2]].set()
        return web.json_response({**STATE, "notices": [BAN] if banned.is_set() else []})

    with ExchangeStub(handler) as stub:
        venue = connect(
            mode=Mode.SHADOW,
            api_key="key",
            api_secret="secret",
            clock=SystemClock(),
            client_id_prefix="gh-",
            spot_url=stub.url,
            sleep=_soon,
        )
        try:
            assert asked[True].wait(60)
            assert venue.notices() == (BAN,)
            banned.clear()
            assert asked[False].wait(60)
            assert venue.notices() == ()
        finally:
            venue.close()
