"""What `--help` says about plans of faults."""

from typing import Final

from simulator.faults.kinds import KINDS, SETTLES, SPEC_CHANGES, FaultKind, Lasting

_EXAMPLE: Final = """\
a plan of faults:
  seed: 7                        # the same seed draws the same chances, delays and times
  faults:
    - kind: latency              # from the first moment on, for every request
      match: "*"
      chance: 0.3
      delay_ms: 20
      jitter_ms: 200
    - kind: fail_after           # the fifth second, and every 30 s (up to 5 s later): the next two orders
      match: spot.order.new      # are executed and answered -1006
      at: 5
      every: 30
      jitter: 5
      count: 2
      code: -1006
    - kind: symbol               # once, after a minute: halted for 10 s
      at: 60
      seconds: 10
      symbol: BTCUSDT
      status: HALT

  match    glob over operations (spot.order.*, ws.api), streams (btcusdt@*), user events or ports; * if not given
  at       first time, seconds of wall time since the simulator was ready; left out: before the first request
  every    seconds from one time to the next; times: how often at most; jitter: each time up to so much later
  count    how many matches are struck each time: 1 unless seconds or chance is given
  seconds  how long it lasts each time
  chance   how likely each match is struck, above 0 to 1
  Amounts may be written as 0.5 or "0.5"; they are read as exact decimals.

kinds of faults, and what each takes (! is needed):
"""


def _line(kind: FaultKind) -> str:
    spec = KINDS[kind]
    takes = [f"{name}!" for name in spec.required]
    takes += (
        ["what changes: " + ", ".join((*SPEC_CHANGES, SETTLES)), "market"]
        if kind is FaultKind.SYMBOL
        else spec.parameters
    )
    if spec.lasting is Lasting.MUST:
        takes.append("seconds!")
    listed = f"\n{'':20}takes {', '.join(takes)}" if takes else ""
    return f"  {kind.value:18}{spec.meaning}{listed}"


FAULTS_HELP: Final = _EXAMPLE + "\n".join(_line(kind) for kind in FaultKind) + "\n"
