import pytest
from flask.testing import FlaskClient

from fakes.house import House, app_of

GRID = {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": 0.5}}


@pytest.fixture
def client() -> FlaskClient:
    app = app_of(House(), allowed_hosts=["bot.lan"], allowed_origins=["http://localhost:5173"])
    return app.test_client()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.3.2.1", "[::1]:5000", "bot.lan:80", "BOT.LAN"]
)
def test_own_names_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost:99999",
        "10.0.0.1",
        "a@localhost",
    ],
)
@pytest.mark.parametrize("path", ["/", "/test", "/api/status", "/static/test.js", "/nowhere"])
def test_foreign_names_are_refused_everywhere(client: FlaskClient, host: str, path: str) -> None:
    response = client.get(path, headers={"Host": host}, buffered=True)
    assert response.status_code == 421
    assert "server.allowed_hosts" in response.json["message"]


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://localhost", "http://localhost:3000"])
def test_other_pages_may_neither_write_nor_read(client: FlaskClient, origin: str) -> None:
    for response in (
        client.post("/api/grid/start", json=GRID, headers={"Origin": origin}),
        client.get("/api/balance", headers={"Origin": origin}),
    ):
        assert response.status_code == 403
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "server.allowed_origins" in response.json["message"]


def test_the_page_itself_may_write(client: FlaskClient) -> None:
    assert client.post("/api/grid/start", json=GRID, headers={"Origin": "http://localhost"}).status_code == 200


def test_a_configured_origin_may_ask_and_read(client: FlaskClient) -> None:
    response = client.get("/api/status", headers={"Origin": "http://localhost:5173"})
    assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert "Origin" in response.headers["Vary"]
    preflight = client.options("/api/grid/start", headers={"Origin": "http://localhost:5173"})
    assert preflight.status_code == 200
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]


def test_a_cross_site_write_without_origin_is_refused(client: FlaskClient) -> None:
    response = client.post("/api/grid/start", json=GRID, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin-1"],
)
def test_bodies_that_a_form_could_send_are_refused(client: FlaskClient, content_type: str) -> None:
    response = client.post("/api/grid/start", data='{"symbol": "BTCUSDT"}', content_type=content_type)
    assert response.status_code == 415
    assert "application/json" in response.json["message"]


def test_a_body_beyond_the_limit_is_refused(client: FlaskClient) -> None:
    response = client.post("/api/grid/start", data=b'{"a": "' + b"x" * 70_000 + b'"}', content_type="application/json")
    assert response.status_code == 413
    assert "65536" in response.json["message"]


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"BTCUSDT"', '{"a": NaN}', '{"a": 1, "a": 2}', "null"])
def test_a_body_that_is_no_json_object_is_malformed(client: FlaskClient, text: str) -> None:
    response = client.post("/api/grid/start", data=text, content_type="application/json")
    assert response.status_code == 400
    assert response.json["error"] == "Malformed"


def test_every_answer_carries_the_headers_that_protect_it(client: FlaskClient) -> None:
    for path in ("/", "/test", "/api/status", "/nowhere"):
        headers = client.get(path, buffered=True).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_wrong_method_is_told_the_right_one(client: FlaskClient) -> None:
    response = client.get("/api/grid/start")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert "POST" in response.json["message"]
