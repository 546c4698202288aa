import pytest

from adapters.binance.hosts import LIVE, TESTNET, Addresses, AddressForbidden, HostGuard
from domain.account import Mode
from domain.errors import InvalidRequest

SHADOW = Addresses(
    spot_rest="http://127.0.0.1:8090",
    spot_streams="ws://127.0.0.1:8090",
    spot_ws_api="ws://127.0.0.1:8090/ws-api/v3",
    futures_rest="http://127.0.0.1:8091",
    futures_streams="ws://127.0.0.1:8091",
)
OWN = {Mode.SHADOW: SHADOW, Mode.TESTNET: TESTNET, Mode.PRODUCTION: LIVE}


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_may_use_its_own_addresses(mode: Mode) -> None:
    guard, own = HostGuard(mode, OWN[mode]), OWN[mode]
    for url in (own.spot_rest, own.spot_streams, own.spot_ws_api, str(own.futures_rest), str(own.futures_streams)):
        guard.check(url + "/x")


@pytest.mark.parametrize(("mode", "other"), [(m, o) for m in Mode for o in Mode if m is not o])
def test_no_mode_may_use_anothers(mode: Mode, other: Mode) -> None:
    guard = HostGuard(mode, OWN[mode])
    for url in (OWN[other].spot_rest, OWN[other].spot_streams, OWN[other].spot_ws_api):
        with pytest.raises(AddressForbidden):
            guard.check(url)
    with pytest.raises(InvalidRequest) as refused:
        HostGuard(mode, OWN[other])
    assert {mistake.field for mistake in refused.value.mistakes} == {
        "spot_url",
        "spot_ws_url",
        "spot_ws_api_url",
        "futures_url",
        "futures_ws_url",
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://api.binance.com/api/v3/time",
        "https://api.binance.com.evil.example/api/v3/time",
        "https://api.binance.com@evil.example/",
        "https://evil.example/api.binance.com",
        "https://api.binance.com:8443/",
        "http://127.0.0.1:8090/",
    ],
)
def test_production_is_not_fooled_by_look_alikes(url: str) -> None:
    with pytest.raises(AddressForbidden):
        HostGuard(Mode.PRODUCTION, LIVE).check(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8099/", "http://localhost:8090/", "http://10.0.0.5:8090/"])
def test_shadow_knows_the_simulators_own_addresses_alone(url: str) -> None:
    with pytest.raises(AddressForbidden):
        HostGuard(Mode.SHADOW, SHADOW).check(url)


def test_shadow_refuses_a_simulator_on_another_machine() -> None:
    remote = Addresses(
        spot_rest="http://10.0.0.5:8090", spot_streams=SHADOW.spot_streams, spot_ws_api=SHADOW.spot_ws_api
    )
    with pytest.raises(InvalidRequest, match="spot_url"):
        HostGuard(Mode.SHADOW, remote)


def test_sapi_never_leaves_in_testnet() -> None:
    with pytest.raises(AddressForbidden, match="sapi"):
        HostGuard(Mode.TESTNET, TESTNET).check("https://testnet.binance.vision/sapi/v1/asset/transfer")
    HostGuard(Mode.PRODUCTION, LIVE).check("https://api.binance.com/sapi/v1/asset/transfer")
    HostGuard(Mode.SHADOW, SHADOW).check("http://127.0.0.1:8090/sapi/v1/asset/transfer")


def test_a_refusal_never_shows_the_query() -> None:
    with pytest.raises(AddressForbidden) as refused:
        HostGuard(Mode.PRODUCTION, LIVE).check("https://evil.example/x?signature=abc")
    assert "signature" not in str(refused.value)
