import pytest

from routes.messages import CATALOGUE, placeholders


@pytest.mark.parametrize("key", CATALOGUE)
def test_both_languages_say_something(key: str) -> None:
    english, portuguese = CATALOGUE[key]
    assert english.strip()
    assert portuguese.strip()
    assert english != portuguese


@pytest.mark.parametrize("key", CATALOGUE)
def test_both_languages_fill_in_the_same_names(key: str) -> None:
    english, portuguese = CATALOGUE[key]
    assert placeholders(english) == placeholders(portuguese)


def test_the_texts_of_the_spec_stand_word_for_word() -> None:
    portuguese = {key: texts[1] for key, texts in CATALOGUE.items()}
    assert portuguese["config_valid"] == "Configuração válida"
    assert portuguese["mode_production"] == "Modo real - executa trades reais na Binance"
    assert portuguese["positive_int"].format(field="initial_levels") == (
        "initial_levels deve ser um número inteiro positivo"
    )
    assert portuguese["at_most"].format(field="spacing_perc", le=100) == "spacing_perc deve ser menor ou igual a 100"
