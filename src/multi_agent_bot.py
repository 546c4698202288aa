"""The whole system: the API, and a first grid where this account's books know none."""

import sys

from bootstrap.entry import run

if __name__ == "__main__":
    sys.exit(run("start_multi_agent_bot.sh", first_grid=True))
