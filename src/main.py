"""The API without a first grid. Grids that were running are resumed."""

import sys

from bootstrap.entry import run

if __name__ == "__main__":
    sys.exit(run("start_api.sh", first_grid=False))
