"""The page about the configuration says what the program does."""

from pathlib import Path

from config.catalogue import all_keys
from config.options import OPTIONS
from config.reference import render

PAGE = Path(__file__).parents[2] / "docs/configuration.md"


def test_the_page_is_the_one_the_program_writes() -> None:
    assert PAGE.read_text() == render(), "run: .venv/bin/python -m config.reference > docs/configuration.md"


def test_every_key_and_option_is_explained() -> None:
    page = render()
    for key in all_keys().values():
        assert key.description.endswith("."), key.dotted
        assert f"`{key.dotted}`" in page
    for option in OPTIONS:
        assert option.variable in page


def test_every_percentage_says_of_what() -> None:
    for key in all_keys().values():
        if key.path[-1].endswith(("_perc", "_percentage")):
            assert any(word in key.description for word in ("percent of", "FRACTION of", "Share of", "percent.")), (
                key.dotted
            )
