"""What the look before example jobs does, by the act each asks for; the module it runs."""

# ruff: noqa: T201 - what it prints is what it tells

import json
import sys
import time
from pathlib import Path

from domain.errors import Conflict, FieldMistake, InvalidRequest
from ports.jobs import refusal_line

if __name__ == "__main__":
    for place, asked in enumerate(json.loads((Path(sys.argv[1]) / "parameters.json").read_text())):
        if asked["act"] == "wait":
            time.sleep(600)
        if asked["act"] == "fail":
            sys.exit("it broke before it could tell")
        if asked["number"] == 13:
            print(refusal_line(place, InvalidRequest([FieldMistake("number", "brings no luck; take another")])))
        if asked["number"] == 404:
            print(refusal_line(place, Conflict("the file is damaged; delete it")))
