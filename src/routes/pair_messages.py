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
    "pair_advice": (
        "pair_selection.autopilot is off: start or stop it yourself, or turn that on",
        "pair_selection.autopilot está desligado: inicie ou pare você mesmo, ou ligue-o",
    ),
    "pair_full": (
        "max_concurrent_pairs {limit} is used up",
        "max_concurrent_pairs {limit} já está em uso",
    ),
    "pair_allocation": (
        "grids on {market} use {used} of {budget} USDT, their part by market_allocation",
        "os grids em {market} usam {used} de {budget} USDT, sua parte por market_allocation",
    ),
    "pair_funds": (
        "{free} USDT are free on {market}, {needed} are needed",
        "há {free} USDT livres em {market}, são necessários {needed}",
    ),
    "pair_unknown_wallet": (
        "the {market} wallet could not be read, so its capital stays unused: {reason}",
        "a carteira de {market} não pôde ser lida, por isso seu capital fica parado: {reason}",
    ),
    "pair_cooldown": (
        "it has moved to another market lately; again in {minutes} min",
        "mudou de mercado há pouco; de novo em {minutes} min",
    ),
    "pair_transfers": ("funds cannot be moved: {reason}", "não é possível mover fundos: {reason}"),
    "pair_ended_since": (
        "its grid has ended since this selection; it waits for the next one",
        "seu grid terminou desde esta seleção; aguarda a próxima",
    ),
    "pair_failed": ("it was tried and did not work: {reason}", "foi tentado e não deu certo: {reason}"),
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
