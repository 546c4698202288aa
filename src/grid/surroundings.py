"""What the house tells a grid of its contract, and what readings tell of others there; to be shown and judged by."""

from domain.events import ContractStands, CountdownStands, OpenOrdersRead


class Surroundings:
    """Of one grid; on spot nothing but the orders of others is ever told."""

    def __init__(self) -> None:
        self.contract = ContractStands("")
        self.countdown = CountdownStands(None)
        self.foreign_orders: int | None = None

    def hear(self, event: ContractStands | CountdownStands | OpenOrdersRead) -> None:
        match event:
            case ContractStands():
                self.contract = event
            case CountdownStands():
                self.countdown = event
            case OpenOrdersRead(foreign=foreign):
                self.foreign_orders = foreign

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what a person should know though the grid goes on."""
        return (self.countdown.notice,) if self.countdown.notice else ()
