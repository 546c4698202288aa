"""Every name that a fault about requests may be matched against."""

from typing import Final

from simulator.um.wire.operations import OPERATIONS as FUTURES_OPERATIONS
from simulator.wire.gateway import OPENINGS
from simulator.wire.operations import OPERATIONS
from simulator.wire.ws_api import SESSION_OPERATION_NAMES

SUBJECTS: Final = tuple(
    dict.fromkeys(
        (
            *(operation.name for operation in (*OPERATIONS, *FUTURES_OPERATIONS)),
            *SESSION_OPERATION_NAMES,
            *OPENINGS.values(),
        )
    )
)
