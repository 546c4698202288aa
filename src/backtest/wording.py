"""Numbers before what they count."""


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 window`, `2 windows` or `no windows`; `many` where an s does not make it."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {many or one + 's'}" if number else f"no {many or one + 's'}"


def times(number: int) -> str:
    """Return `Once`, `Twice` or `3 times`, to begin a sentence with."""
    return {1: "Once", 2: "Twice"}.get(number, f"{number:,} times")
