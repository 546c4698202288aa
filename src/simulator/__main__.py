"""`python -m simulator`: a Binance-compatible exchange to trade against without risk."""

import asyncio
import logging
import sys

from simulator.options import OptionsError, parse_options
from simulator.process import run


def main() -> int:
    """Run the simulator; return the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    try:
        options = parse_options(sys.argv[1:])
    except OptionsError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
