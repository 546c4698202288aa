"""Every sentence the API says of itself, in English and Portuguese; the spec's own texts are kept word for word."""

from collections.abc import Mapping
from string import Formatter

from flask import g, has_request_context, request

from routes.pair_messages import PAIR_SENTENCES
from routes.services import services

LANGUAGES = ("en", "pt")

# Each sentence in the order of LANGUAGES.
CATALOGUE: Mapping[str, tuple[str, str]] = {
    "missing": ("{field} is required; add it to the request", "{field} é obrigatório; inclua-o na requisição"),
    "unknown_field": (
        "{field} is not a known field; remove it. Known: {known}",
        "{field} não é um campo conhecido; remova-o. Conhecidos: {known}",
    ),
    "unknown_field_nearest": (
        "{field} is not a known field; did you mean {nearest}?",
        "{field} não é um campo conhecido; você quis dizer {nearest}?",
    ),
    "positive_int": (
        "{field} must be a positive whole number",
        "{field} deve ser um número inteiro positivo",
    ),
    "whole_number": ("{field} must be a whole number", "{field} deve ser um número inteiro"),
    "at_least": ("{field} must be at least {ge}", "{field} deve ser maior ou igual a {ge}"),
    "at_most": ("{field} must be less than or equal to {le}", "{field} deve ser menor ou igual a {le}"),
    "more_than": ("{field} must be greater than {gt}", "{field} deve ser maior que {gt}"),
    "finite_number": (
        "{field} must be a finite number, e.g. 0.5",
        "{field} deve ser um número finito, por exemplo 0.5",
    ),
    "decimal_places": (
        "{field} must have at most {decimal_places} decimals",
        "{field} deve ter no máximo {decimal_places} casas decimais",
    ),
    "one_of": ("{field} must be one of: {expected}", "{field} deve ser um de: {expected}"),
    "text": ("{field} must be a text", "{field} deve ser um texto"),
    "boolean": ("{field} must be true or false", "{field} deve ser true ou false"),
    "object": ("{field} must be a JSON object", "{field} deve ser um objeto JSON"),
    "symbol_lower_case": (
        "{field} must be written in capitals, e.g. BTCUSDT or BTC/USDT",
        "{field} deve ser escrito em maiúsculas, por exemplo BTCUSDT ou BTC/USDT",
    ),
    "symbol_malformed": (
        "{field} must be written like BTCUSDT or BTC/USDT",
        "{field} deve ser escrito como BTCUSDT ou BTC/USDT",
    ),
    "symbol_unknown": (
        "{symbol} is not listed on {market}; see /api/market_data?quote=USDT for what is",
        "{symbol} não está listado em {market}; veja em /api/market_data?quote=USDT o que está",
    ),
    "too_many_symbols": (
        "{field} names {count} symbols; ask for at most {limit} at once",
        "{field} tem {count} símbolos; peça no máximo {limit} de cada vez",
    ),
    "spacing_needed": (
        "{field} is required unless lower_price and upper_price are given",
        "{field} é obrigatório, a menos que lower_price e upper_price sejam informados",
    ),
    "spacing_follows": (
        "{field} follows from lower_price and upper_price; leave it out or leave them out",
        "{field} resulta de lower_price e upper_price; omita-o ou omita os dois",
    ),
    "bounds_together": (
        "{field} needs its other bound; give lower_price and upper_price together",
        "{field} precisa do outro limite; informe lower_price e upper_price juntos",
    ),
    "bounds_order": (
        "{field} must be greater than lower_price",
        "{field} deve ser maior que lower_price",
    ),
    "infinity_lower": (
        "{field} is where an infinity grid begins; give it",
        "{field} é onde começa uma grade infinity; informe-o",
    ),
    "infinity_upper": (
        "{field} does not go with infinity; leave it out: initial_levels and spacing_perc tell how far its rungs go",
        "{field} não combina com infinity; omita-o: initial_levels e spacing_perc dizem até onde vão os degraus",
    ),
    "one_size": (
        "{field} excludes the other sizes; give one of capital, capital_usd, quantity_per_level",
        "{field} exclui os outros tamanhos; informe um só entre capital, capital_usd e quantity_per_level",
    ),
    "exits_watched": (
        "watched by this server, not resident at the exchange: nothing happens while it is down or has no fresh price",
        "vigiado por este servidor, não residente na corretora: nada ocorre enquanto ele está fora ou sem preço atual",
    ),
    "moment": (
        "{field} must be a month, a day, a time or ms since the epoch: 2024-01, 2024-01-15, 2024-01-15T14:30Z",
        "{field} deve ser um mês, um dia, um horário ou ms desde a época: 2024-01, 2024-01-15, 2024-01-15T14:30Z",
    ),
    "window_empty": ("{field} must lie after from", "{field} deve ser posterior a from"),
    "days_or_from": (
        "{field} excludes from; give one of the two, to may stand beside either",
        "{field} exclui from; informe um dos dois, to pode acompanhar qualquer um",
    ),
    "bnb_price": (
        "{field} must be what a BNB costs in quote, above 0, e.g. 600, or market",
        "{field} deve ser quanto custa um BNB na moeda de cotação, acima de 0, por exemplo 600, ou market",
    ),
    "bnb_price_needed": (
        "{field} needs bnb_price beside it; give what a BNB costs in quote, or market",
        "{field} precisa de bnb_price; informe quanto custa um BNB na moeda de cotação, ou market",
    ),
    "not_replayed": (
        "{field}: this server trades no {market}, so it cannot tell their rules; use spot",
        "{field}: este servidor não negocia {market}, então não sabe as suas regras; use spot",
    ),
    "markets_differ": (
        "{field} differs from market_type of config; give it once",
        "{field} difere do market_type de config; informe-o uma só vez",
    ),
    "share_needed": (
        "{field} is required with fill: share; give the percent of a candle's volume that an order gets",
        "{field} é obrigatório com fill: share; informe a porcentagem do volume que uma ordem recebe",
    ),
    "share_unused": (
        "{field} means something with fill: share alone; remove it or set fill",
        "{field} só tem efeito com fill: share; remova-o ou defina fill",
    ),
    "no_backtest": (
        "{job_id} is no back-test; GET /api/jobs/{job_id} shows what it is",
        "{job_id} não é um backtest; GET /api/jobs/{job_id} mostra o que é",
    ),
    "market_unsupported": (
        "{field} {market} is not in exchange.supported_markets of the settings; add it there or choose another",
        "{field} {market} não está em exchange.supported_markets da configuração; inclua-o lá ou escolha outro",
    ),
    "two_markets": (
        "{symbol} has a grid on spot and one on futures; say which with market_type",
        "{symbol} tem um grid em spot e outro em futures; diga qual com market_type",
    ),
    "no_suggestion": (
        "{job_id} is no search for a grid; GET /api/jobs/{job_id} shows what it is",
        "{job_id} não é uma busca de grid; GET /api/jobs/{job_id} mostra o que é",
    ),
    "suggest_too_new": (
        "only {count} candles of {interval} exist, {days} days are needed to try grids on; choose another symbol",
        "só existem {count} candles de {interval}, são precisos {days} dias para testar grids; escolha outro símbolo",
    ),
    "suggest_synthetic": (
        "this rests on synthetic prices: they are made up, and say nothing of the real market",
        "isto se baseia em preços sintéticos: são inventados e nada dizem do mercado real",
    ),
    "suggest_replay": (
        "this rests on a replayed recording, not on the prices of today",
        "isto se baseia em uma gravação reproduzida, não nos preços de hoje",
    ),
    "suggest_testnet": (
        "this rests on the test network's prices, which differ from those of the real market",
        "isto se baseia nos preços da rede de testes, que diferem dos do mercado real",
    ),
    "suggest_short": (
        "only {days} of {wanted} days exist; the longer windows are cut to them",
        "só existem {days} de {wanted} dias; as janelas mais longas são cortadas",
    ),
    "suggest_gaps": (
        "{missing} candles are missing, {percent} % of the window; what happened there is not counted",
        "faltam {missing} candles, {percent} % da janela; o que ocorreu ali não conta",
    ),
    "suggest_coarse": (
        "only candles of {interval} reach back far enough; cycles within one of them are not seen",
        "só candles de {interval} alcançam a data; ciclos dentro de um deles não são vistos",
    ),
    "suggest_funding": (
        "{count} settlements of funding are not known and counted at the mean of those that are",
        "{count} pagamentos de funding não são conhecidos e contam pela média dos conhecidos",
    ),
    "suggest_starts": (
        "only {starts} starts fit into the window, too few to tell luck from merit",
        "só {starts} inícios cabem na janela, poucos para distinguir sorte de mérito",
    ),
    "suggest_noise": (
        "{near} of the {others} other grids lie within the noise of this one: the choice among them is chance",
        "{near} dos {others} outros grids estão dentro do ruído deste: a escolha entre eles é acaso",
    ),
    "suggest_few_cycles": (
        "only {cycles} cycles were closed in the longest window; below {wanted} chance says more than the grid",
        "só {cycles} ciclos foram fechados na janela mais longa; abaixo de {wanted} o acaso diz mais que o grid",
    ),
    "suggest_lost": (
        "on the days held out, which took no part in the choice, it lost {amount} {quote}",
        "nos dias reservados, que não participaram da escolha, perdeu {amount} {quote}",
    ),
    "suggest_behind_hold": (
        "on the days held out, which took no part in the choice, simply holding would have earned more",
        "nos dias reservados, que não participaram da escolha, apenas manter teria rendido mais",
    ),
    "suggest_no_gain": (
        "tried on recent days, it earned beyond holding at most half of its deepest fall; better start none",
        "testado em dias recentes, rendeu além de manter no máximo metade da maior queda; melhor não iniciar nenhum",
    ),
    "no_grid": ("no grid ever ran on {symbol}", "nenhum grid já operou em {symbol}"),
    "no_running_grid": ("no grid runs on {symbol}", "nenhum grid está em operação em {symbol}"),
    "config_valid": ("Configuration is valid", "Configuração válida"),
    "grid_started": ("Grid started for {symbol}", "Bot de grid iniciado para {symbol}"),
    "grid_stopping": (
        "The grid on {symbol} is stopping but has not ended yet{reason}; ask for its status until it is stopped",
        "O bot de grid de {symbol} está parando, mas ainda não terminou{reason}; consulte o status até ficar stopped",
    ),
    "grid_stopped": ("Grid stopped for {symbol}", "Bot de grid parado para {symbol}"),
    "grid_paused": ("Grid paused for {symbol}", "Bot de grid pausado para {symbol}"),
    "grid_paused_already": (
        "The grid on {symbol} is paused already",
        "O bot de grid de {symbol} já está pausado",
    ),
    "grid_pausing": (
        "The pause of the grid on {symbol} is not stored yet{reason}; ask for its status, or ask again",
        "A pausa do bot de grid de {symbol} ainda não foi gravada{reason}; consulte o status ou peça de novo",
    ),
    "grid_edit_sketched": (
        "This is what the edit of the grid on {symbol} would come to; nothing was changed",
        "Isto é o que a edição do bot de grid de {symbol} faria; nada foi alterado",
    ),
    "grid_edited": ("Grid edited for {symbol}", "Bot de grid editado para {symbol}"),
    "grid_editing": (
        "The edit of the grid on {symbol} is under way; its orders are still being taken off, ask for its status",
        "A edição do bot de grid de {symbol} está em curso; suas ordens ainda estão sendo retiradas, consulte o status",
    ),
    "grid_resumed": ("Grid resumed for {symbol}", "Bot de grid retomado para {symbol}"),
    "grid_not_paused": (
        "The grid on {symbol} was not paused by request",
        "O bot de grid de {symbol} não estava pausado a pedido",
    ),
    "grid_resuming": (
        "That the grid on {symbol} goes on is not stored yet{reason}; ask for its status, or ask again",
        "A retomada do bot de grid de {symbol} ainda não foi gravada{reason}; consulte o status ou peça de novo",
    ),
    "mode_changed": ("Operation mode is now {mode}", "Modo de operação agora é {mode}"),
    "mode_production": (
        "Real mode - executes real trades on Binance",
        "Modo real - executa trades reais na Binance",
    ),
    "mode_shadow": (
        "Simulation - real or synthetic market data, orders go to the built-in exchange only",
        "Simulação - dados reais ou sintéticos, ordens vão apenas para a bolsa embutida",
    ),
    "mode_testnet": (
        "Binance test network - orders without real money",
        "Rede de testes da Binance - ordens sem dinheiro real",
    ),
    "grid_recovered": (
        "The grid was taken up again from its books after a restart",
        "O grid foi retomado dos seus registros após um reinício",
    ),
    "grid_not_recovered": (
        "The grid has run since it was started, without a restart in between",
        "O grid opera desde que foi iniciado, sem reinício entretanto",
    ),
    "venue_slow": (
        "the exchange did not answer within {seconds} s; try again",
        "a bolsa não respondeu em {seconds} s; tente novamente",
    ),
    "market_off": (
        "{market} is not in exchange.supported_markets of the settings",
        "{market} não está em exchange.supported_markets da configuração",
    ),
    "not_trading": ("the venue reports status {status}", "a bolsa informa o estado {status}"),
    "no_volume": ("nothing was traded in 24 hours", "nada foi negociado em 24 horas"),
    "few_candles": (
        "only {count} hourly candles exist; {needed} are needed to measure volatility",
        "só existem {count} candles de uma hora; são precisos {needed} para medir a volatilidade",
    ),
    "fees_too_high": (
        "an hour's range of {range_percent} % does not pay two fees of {fees_percent} %",
        "a amplitude de uma hora de {range_percent} % não paga duas taxas de {fees_percent} %",
    ),
    "not_json_body": ("the body is no valid JSON: {reason}", "o corpo não é JSON válido: {reason}"),
    "body_object": ("the body must be a JSON object", "o corpo deve ser um objeto JSON"),
    "content_type": (
        "send the body as JSON in UTF-8 with the header Content-Type: application/json",
        "envie o corpo como JSON em UTF-8 com o cabeçalho Content-Type: application/json",
    ),
    "host_refused": (
        "this server does not answer for that host name; use localhost or add it to server.allowed_hosts",
        "este servidor não responde por esse nome; use localhost ou inclua-o em server.allowed_hosts",
    ),
    "origin_refused": (
        "requests from this web origin are refused; add it to server.allowed_origins if it is yours",
        "requisições desta origem são recusadas; inclua-a em server.allowed_origins se for sua",
    ),
    "no_route": (
        "there is nothing at this address; /openapi.json lists what there is",
        "não há nada neste endereço; /openapi.json lista o que existe",
    ),
    "method_refused": (
        "{method} is not possible here; use {allowed}",
        "{method} não é possível aqui; use {allowed}",
    ),
    "too_large": ("the body is too large; send at most {limit} bytes", "corpo grande demais; envie até {limit} bytes"),
    "bad_request": ("the request is malformed", "a requisição está malformada"),
    "internal": (
        "something failed here; nothing more is known to the caller. Look for trace {trace_id} in the log",
        "algo falhou aqui; procure {trace_id} no log",
    ),
    "store_failed": (
        "nothing was changed: {reason}",
        "nada mudou: {reason}",
    ),
    **PAIR_SENTENCES,
}


def language() -> str:
    """Return the language of the current request: Accept-Language, else the settings', else English."""
    if not has_request_context():
        return "en"
    chosen: str | None = g.get("language")
    if chosen is None:
        chosen = _negotiate()
        g.language = chosen
    return chosen


def _negotiate() -> str:
    configured = services().language if services().language in LANGUAGES else "en"
    for wanted, quality in request.accept_languages:
        primary = wanted.replace("_", "-").split("-")[0].lower()
        if primary in LANGUAGES and quality > 0:
            return primary
    return configured


def say(key: str, **values: object) -> str:
    """Return the sentence `key` in the request's language."""
    return CATALOGUE[key][LANGUAGES.index(language())].format(**values)


def placeholders(text: str) -> frozenset[str]:
    """Return the names a sentence fills in, so that a test can hold the languages equal."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
