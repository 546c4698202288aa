-- What revision 0006 added: moves of a grid's ladder.
INSERT INTO grid_moves (account, grid_id, number, kind, after_trade, data, market_ms) VALUES ('binance:shadow:aaaaaaaaaaaa', 2, 1, 'trail', 102, '{"shift":1}', 1700000400000);
