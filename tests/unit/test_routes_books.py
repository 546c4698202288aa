"""GET /api/books: exact texts, both parts, and what is said where the venue cannot be read."""

from dataclasses import replace
from decimal import Decimal

from domain.account_books import AccountPart, AssetLine, ValueLines, WalletPart
from domain.grids import GridRequest
from fakes.house import BTC, House, app_of

ZERO = Decimal(0)


def part() -> AccountPart:
    line = AssetLine(
        asset="BNB",
        baseline=Decimal(1),
        balance=Decimal("0.99964000"),
        grids=Decimal("-0.00036"),
        foreign_trades=ZERO,
        other_movements=Decimal("0E-16"),
        residual=ZERO,
    )
    value = ValueLines(
        equity_change=Decimal("99.784"),
        grids=Decimal("-0.216"),
        foreign_trades=ZERO,
        other_movements=ZERO,
        revaluation=Decimal(100),
        residual=ZERO,
    )
    return AccountPart(
        since_ms=0,
        assets=(line,),
        prices={"BNB": Decimal(600)},
        baseline_prices={"BNB": Decimal(500)},
        value=value,
        unpriced=("ODD",),
        settled=True,
    )


def house() -> House:
    standing = House(account_part=part())
    standing.start_grid(GridRequest(instrument=BTC, levels=5, spacing_percent=Decimal("0.5")))
    return standing


def test_every_amount_is_an_exact_text():
    told = app_of(house()).test_client().get("/api/books").get_json()
    assert told["account"]["assets"] == [
        {
            "asset": "BNB",
            "baseline": "1",
            "balance": "0.99964",
            "grids": "-0.00036",
            "foreign_trades": "0",
            "other_movements": "0",
            "residual": "0",
            "price": "600",
            "baseline_price": "500",
        }
    ]
    assert told["account"]["value"]["equity_change"] == "99.784"
    assert (told["account"]["settled"], told["account"]["unpriced"]) == (True, ["ODD"])
    assert (told["valued_in"], told["account_error"]) == ("USDT", "")


def test_the_futures_wallet_has_lines_of_its_own():
    spot = part()
    (line,) = spot.assets
    wallet = WalletPart(
        since_ms=0, assets=(replace(line, asset="USDT"),), prices={"USDT": Decimal(1)}, baseline_prices={},
        value=spot.value, unpriced=(), open_profit=Decimal("-1.50"), realized_rounding=Decimal("0.00000001"),
        realized_residual=ZERO, settled=True,
    )  # fmt: skip
    standing = house()
    standing.account_part = replace(spot, futures=wallet)
    told = app_of(standing).test_client().get("/api/books").get_json()["account"]
    assert [row["asset"] for row in told["futures"]["assets"]] == ["USDT"]
    assert [told["futures"][name] for name in ("open_profit", "realized_rounding", "realized_residual")] == [
        "-1.5",
        "0.00000001",
        "0",
    ]
    standing.account_part = replace(spot, futures_error="futures do not answer")
    told = app_of(standing).test_client().get("/api/books").get_json()["account"]
    assert (told["futures"], told["futures_error"]) == (None, "futures do not answer")


def test_every_grid_stands_beside_the_sums():
    told = app_of(house()).test_client().get("/api/books").get_json()
    (grid,) = told["grids"]
    assert (grid["symbol"], grid["status"], grid["quote"], grid["alarms"]) == ("BTCUSDT", "running", "USDT", [])
    sums = told["totals"]["USDT"]
    for name in ("grid_profit", "fees", "equity_change", "residual", "versus_hold", "trades", "fees_by_asset"):
        assert sums[name] == grid["books"][name]
    assert sums["grids"] == 1


def test_a_venue_that_cannot_be_read_is_said():
    standing = house()
    standing.account_part = None
    answer = app_of(standing).test_client().get("/api/books")
    told = answer.get_json()
    assert answer.status_code == 200
    assert (told["account"], told["account_error"]) == (None, "the venue does not answer")
    assert told["totals"]["USDT"]["trades"] == 42


def test_a_grids_books_show_what_is_not_valued_and_its_alarms():
    client = app_of(house()).test_client()
    shown = client.get("/api/grid/status/BTCUSDT").get_json()
    assert shown["alarms"] == []
    assert {"fees_unvalued", "fee_prices", "quote_rounding", "dust", "hold_change", "versus_hold"} <= set(
        shown["books"]
    )
