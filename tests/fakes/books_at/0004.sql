-- What revision 0004 added: which position orders and fills change, what funding brought, where the futures wallet begins.
UPDATE orders SET position_side = 'BOTH', reduce_only = FALSE WHERE seq = 1;
INSERT INTO funding (account, grid_id, instrument, payment_id, amount, asset, at_ms) VALUES ('binance:shadow:aaaaaaaaaaaa', 2, 'binance:futures:BTC/USDT', 9007199254740993, '-0.375', 'USDT', 1700000300000);
INSERT INTO futures_baselines (account, at_ms, valued_in) VALUES ('binance:shadow:aaaaaaaaaaaa', 1700000000000, 'USDT');
INSERT INTO futures_holdings (account, asset, amount, price) VALUES ('binance:shadow:aaaaaaaaaaaa', 'USDT', '500', '1');
