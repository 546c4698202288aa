"""The look before back-tests are taken as jobs: `python -m backtest.job_check FOLDER`.

parameters.json of the folder lists what each of them is given; what cannot be replayed is told by a line of ports.jobs.
It leaves with 0 whenever it could look.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from backtest.candles import BadCandles
from backtest.data.store import Store
from backtest.job_inputs import inputs_of, store_of
from backtest.job_words import beyond_memory, unfit_candles
from backtest.price_path import PricePath
from domain.errors import Conflict, InvalidRequest
from ports.backtest_job import PARAMETERS, BacktestParameters
from ports.jobs import refusal_line


def main(words: Sequence[str]) -> int:
    """Look at all parameters of a folder."""
    folder = Path(words[0])
    listed = TypeAdapter(list[BacktestParameters]).validate_json((folder / PARAMETERS).read_bytes())
    for number, given in enumerate(listed):
        refusal = refusal_of(given, store_of(folder))
        if refusal is not None:
            print(refusal_line(number, refusal), flush=True)  # noqa: T201
    return 0


def refusal_of(given: BacktestParameters, store: Store) -> InvalidRequest | Conflict | None:
    """Return why these cannot be replayed, None if they can."""
    try:
        found = inputs_of(given, store)
        PricePath.of(found.candles, found.scenario)
    except (InvalidRequest, Conflict) as error:
        return error
    except BadCandles as error:
        return InvalidRequest([unfit_candles(error)])
    except MemoryError:
        return InvalidRequest([beyond_memory()])
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
