-- What revision 0002 added: the value of a fee in a third asset, where the account's books begin.
INSERT INTO fee_values (seq, account, instrument, trade_id, asset, price, at_ms) VALUES (1, 'binance:shadow:aaaaaaaaaaaa', 'binance:spot:BTC/USDT', 102, 'BNB', '610.5', 1700000200006);
INSERT INTO baselines (account, at_ms, valued_in) VALUES ('binance:shadow:aaaaaaaaaaaa', 1700000000000, 'USDT');
INSERT INTO holdings (account, asset, amount, price) VALUES ('binance:shadow:aaaaaaaaaaaa', 'USDT', '10000', '1');
INSERT INTO trade_marks (account, instrument, trade_id) VALUES ('binance:shadow:aaaaaaaaaaaa', 'binance:spot:BTC/USDT', 100);
