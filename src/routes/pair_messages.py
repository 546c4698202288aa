"""Sentences about the selection of pairs, in English and Portuguese; part of the catalogue in `routes.messages`."""

from collections.abc import Mapping

# Each sentence in the order of routes.messages.LANGUAGES; `pair_` and a word of domain.pairs.Against.
PAIR_SENTENCES: Mapping[str, tuple[str, str]] = {
    "pair_blacklisted": (
        "it is in pair_selection.blacklist of the settings",
        "está em pair_selection.blacklist da configuração",
    ),
    "pair_not_trading": ("the exchange does not trade it at the moment", "a corretora não o negocia no momento"),
    "pair_volume": (
        "24 h volume of {value} USD is below min_volume_usd_24h {limit}",
        "volume de 24 h de {value} USD abaixo de min_volume_usd_24h {limit}",
    ),
    "pair_spread": (
        "spread of {value} % is above max_spread_perc {limit}",
        "spread de {value} % acima de max_spread_perc {limit}",
    ),
    "pair_atr": (
        "average true range of a day of {value} % is below min_atr_perc_24h {limit}",
        "amplitude média diária de {value} % abaixo de min_atr_perc_24h {limit}",
    ),
    "pair_adx": (
        "ADX of {value} is above max_adx {limit}: it trends too much",
        "ADX de {value} acima de max_adx {limit}: tendência forte demais",
    ),
    "pair_depth": (
        "order book of {value} USD within 2 % is below min_liquidity_depth {limit}",
        "livro de ofertas de {value} USD em até 2 % abaixo de min_liquidity_depth {limit}",
    ),
    "pair_open_interest": (
        "open interest of {value} USD is below min_open_interest_usd {limit}",
        "contratos em aberto de {value} USD abaixo de min_open_interest_usd {limit}",
    ),
    "pair_missing": (
        "a fact is missing, so it is left out: {fact}",
        "falta um dado, por isso fica de fora: {fact}",
    ),
    "pair_stale": (
        "{fact} is {age} s old, at most {limit} s are allowed",
        "{fact} tem {age} s, o máximo é {limit} s",
    ),
    "pair_not_looked_at": (
        "{count} pairs that are preferred or traded more were looked at first",
        "{count} pares preferidos ou mais negociados vieram antes",
    ),
    "pair_unlisted": (
        "{symbols} is preferred but not listed here",
        "{symbols} é preferido, mas não está listado aqui",
    ),
    "pairs_not_selected": (
        "this server selects no pairs",
        "este servidor não seleciona pares",
    ),
    "pairs_looking": (
        "pairs are being selected anew; ask GET /api/pairs again in a while",
        "os pares estão sendo selecionados de novo; consulte GET /api/pairs daqui a pouco",
    ),
}
