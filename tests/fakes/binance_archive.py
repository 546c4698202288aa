"""A small archive in the manner of data.binance.vision, on loopback, with the faults of a long download."""

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def zipped(name: str, rows: Sequence[str], header: str | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", "\n".join([*([header] if header else []), *rows]) + "\n")
    return packed.getvalue()


@dataclass
class Archive:
    """What lies there, and what goes wrong. `asked` lists every request as `METHOD /path RANGE`."""

    files: dict[str, bytes] = field(default_factory=dict)
    wrong_checksums: set[str] = field(default_factory=set)
    drops: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    retry_after: str = "7"
    ranges: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, path: str, rows: Sequence[str], header: str | None = None) -> None:
        self.files[path] = zipped(path.rpartition("/")[2].removesuffix(".zip"), rows, header)

    def downloads(self) -> list[str]:
        """Return the names of the zip files that were fetched, without their heads and checksums."""
        return [line.split()[1].rpartition("/")[2] for line in self.asked if re.match(r"GET \S+\.zip( |$)", line)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archive: Archive

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        archive, path = self.archive, self.path.lstrip("/")
        wanted = self.headers.get("Range", "")
        archive.asked.append(f"{self.command} {self.path} {wanted}".rstrip())
        if body and archive.answers.get(path):
            self.send_response(archive.answers[path].pop(0))
            self.send_header("Retry-After", archive.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = self._content(path)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and archive.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            self._send(content[start:], archive.drops.get(path, []))

    def _content(self, path: str) -> bytes | None:
        if not path.endswith(".CHECKSUM"):
            return self.archive.files.get(path)
        name = path.removesuffix(".CHECKSUM")
        if name not in self.archive.files:
            return None
        content = self.archive.files[name] + (b"!" if name in self.archive.wrong_checksums else b"")
        return f"{hashlib.sha256(content).hexdigest()}  {name.rpartition('/')[2]}\n".encode()

    def _send(self, content: bytes, drops: list[int]) -> None:
        if drops:
            self.wfile.write(content[: drops.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(archive: Archive) -> Iterator[Archive]:
    handler = type("Handler", (_Handler,), {"archive": archive})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        archive.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield archive
        finally:
            server.shutdown()
            thread.join()
