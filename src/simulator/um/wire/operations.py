"""Everything that USD-M answers, and the names that faults about requests are matched against."""

from typing import Final

from simulator.um.wire.private_operations import PRIVATE, TRANSFERS
from simulator.um.wire.public_operations import PUBLIC_OPERATIONS

OPERATIONS: Final = (*PUBLIC_OPERATIONS, *PRIVATE, *TRANSFERS)
