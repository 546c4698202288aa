-- What revision 0003 added: what each order was told to be, one after the other.
INSERT INTO order_moves (account, client_id, status, at_ms) VALUES ('binance:shadow:aaaaaaaaaaaa', 'gh-ab12-3-2-rs-Iyvm-0-1', 'open', 1700000200010);
