"""What the look before an example job does, by the act it is asked for; the module it runs."""

import json
import sys
import time
from pathlib import Path

from domain.errors import Conflict, FieldMistake, InvalidRequest
from ports.jobs import refusal_line

if __name__ == "__main__":
    asked = json.loads((Path(sys.argv[1]) / "parameters.json").read_text())
    if asked["act"] == "wait":
        time.sleep(600)
    if asked["act"] == "fail":
        sys.exit("it broke before it could tell")
    if asked["number"] == 13:
        print(refusal_line(InvalidRequest([FieldMistake("number", "brings no luck; take another")])))  # noqa: T201
    if asked["number"] == 404:
        print(refusal_line(Conflict("the file is damaged; delete it")))  # noqa: T201
