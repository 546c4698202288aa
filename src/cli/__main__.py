"""The command line for a running server and its data folder: `python -m cli --help`."""

import sys

from bootstrap.data_folder import REFUSALS
from cli.commands import COMMANDS
from cli.options import PROGRAM, parse
from config.mistakes import ConfigError


def main() -> int:
    """Run one command; return the exit code. What cannot be done is told in one sentence."""
    try:
        wanted = parse(sys.argv[1:])
        return COMMANDS[wanted.command](wanted)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except REFUSALS as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except BrokenPipeError:  # whoever read our output has left
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
