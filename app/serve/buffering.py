"""gunicorn's threads with a buffer before and behind them, as a proxy has one: no thread waits for a client.

A thread gets a request when all of it is there, and leaves its answer to the loop of its process. So whoever sends a
byte now and then, says nothing, or never reads takes a connection and no thread; and all of them have an end in time.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from app import MOST_BYTES
from app.serve.framing import Framing

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a client has, each for the whole; and octets: of a body, and in the buffers of one process."""

    head: float = 20.0
    request: float = 180.0
    """256 kB by a line of 16 kbit/s take 128 s."""
    answer: float = 180.0
    goodbye: float = 5.0
    """For whoever still sends what nobody reads: to close at once would take the answer back."""
    body: int = MOST_BYTES
    buffers: int = 48 * 1024 * 1024


class Wire:
    """A client's connection, and what gunicorn takes for its socket: reads what has come, keeps what is to go."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self.heard = bytearray()
        self.unsent = bytearray()
        self.ran_dry = False
        """Whether more was asked for than had come: where the next request would begin is not known then."""

    def recv(self, size: int) -> bytes:
        """The next of what has come."""
        piece = bytes(self.heard[:size])
        del self.heard[:size]
        self.ran_dry = self.ran_dry or not piece
        return piece

    def sendall(self, data: bytes) -> None:
        """Send what can go at once, and keep the rest. Raises OSError."""
        self.unsent += data
        self.flush()

    def send(self, data: bytes) -> int:
        """The same."""
        self.sendall(data)
        return len(data)

    def gettimeout(self) -> float:
        """Of something that never waits."""
        return 0.0

    def settimeout(self, _seconds: float | None) -> None:
        """It does not wait in any case."""

    setblocking = settimeout

    def fileno(self) -> int:
        """For a selector."""
        return self._connection.fileno()

    def shutdown(self, how: int) -> None:
        """See socket.socket."""
        self._connection.shutdown(how)

    def close(self) -> None:
        """See socket.socket."""
        self._connection.close()

    def hear(self) -> bool:
        """Take what has come; False when no more will."""
        try:
            piece = self._connection.recv(_PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.heard += piece
        return bool(piece)

    def flush(self) -> bool:
        """Send what can go now; whether that was all. Raises OSError."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                del self.unsent[: self._connection.send(self.unsent)]
        return not self.unsent


class Client(TConn):  # type: ignore[misc]  # gunicorn has no types
    """Somebody who is connected."""

    sock: Wire
    framing: Framing
    begun: float
    stays: bool

    @property
    def has_request(self) -> bool:
        """Whether a thread can answer without waiting for more."""
        return bool(self.sock.heard) and self.framing.is_complete(self.sock.heard)

    @property
    def weight(self) -> int:
        """Octets that are kept for it."""
        return len(self.sock.heard) + len(self.sock.unsent)


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A process of the web server. Its loop is ThreadWorker's, and everything but the threads' work happens there."""

    limits = Limits()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: set[Client] = set()
        self._looked = time.monotonic()

    def accept(self, listener: socket.socket) -> None:
        """Somebody has come."""
        try:
            connection, address = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED}:
                raise
            return
        self.nr_conns += 1
        client = Client(self.cfg, Wire(connection), address, listener.getsockname())
        client.data_ready = True  # so that no thread waits for it
        self._expect(client)

    def finish_request(self, conn: Client, fs: Future[bool]) -> None:
        """A thread is done; its answer may not have gone yet. Whether the connection stays is known then."""
        try:
            conn.stays = fs.result() and not conn.sock.ran_dry
        except Exception:  # gunicorn has logged it
            conn.stays = False
        self._send(conn)

    def murder_pending(self) -> None:
        """Once a second: leave those whose time is over, and the largest while all together are too large."""
        now = time.monotonic()
        if now < self._looked + 1.0:
            return
        self._looked = now
        for client in [client for client in self._waiting if client.timeout <= now]:
            self._leave(client)
        while sum(client.weight for client in self._waiting) > self.limits.buffers:
            self._leave(max(self._waiting, key=lambda client: client.weight))

    def _cap_keepalive(self, deadline: float) -> None:
        """The process shall stop: who has no answer on its way has until then at most."""
        for client in self._waiting:
            if not client.sock.unsent:
                client.timeout = min(client.timeout, deadline)

    def _expect(self, client: Client) -> None:
        """A request begins, of which something may be there already."""
        client.framing = Framing(self.limits.body)
        client.begun = time.monotonic()
        self._hear(client)

    def _hear(self, client: Client) -> None:
        """Take what there is of a request; a thread gets it when it is complete."""
        goes_on = client.sock.hear()
        if client.has_request:
            self._stop_waiting(client)
            self.enqueue_req(client)
        elif not goes_on:  # half a request is none
            self._leave(client)
        else:
            if client not in self._waiting:
                self._wait(client, selectors.EVENT_READ, self._hear, self.limits.head)
            if client.framing.has_head:
                self._await_body(client)

    def _await_body(self, client: Client) -> None:
        client.timeout = client.begun + self.limits.request
        if client.framing.expects:
            client.framing.expects = False
            with contextlib.suppress(OSError):  # whoever has left is noticed where it is heard
                client.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, client: Client) -> None:
        """Let the answer go; when it has gone, wait for another request or say goodbye."""
        try:
            has_gone = client.sock.flush()
        except OSError:
            self._leave(client)
            return
        if has_gone:
            self._stop_waiting(client)
            self._await_another(client) if client.stays else self._say_goodbye(client)
        elif client not in self._waiting:
            self._wait(client, selectors.EVENT_WRITE, self._send, self.limits.answer)

    def _await_another(self, client: Client) -> None:
        client.sock.heard[:0] = client.parser.unreader.take_buffered()  # the parser may have read into the next one
        if client.sock.heard:
            self._expect(client)
        else:
            self._wait(client, selectors.EVENT_READ, self._begin_another, self._soon(self.cfg.keepalive))

    def _begin_another(self, client: Client) -> None:
        self._stop_waiting(client)
        self._expect(client)

    def _say_goodbye(self, client: Client) -> None:
        try:
            client.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._leave(client)
        else:
            self._wait(client, selectors.EVENT_READ, self._overhear, self._soon(self.limits.goodbye))

    def _overhear(self, client: Client) -> None:
        """Whoever was answered may be sending still."""
        goes_on = client.sock.hear()
        client.sock.heard.clear()
        if not goes_on:
            self._leave(client)

    def _soon(self, seconds: float) -> float:
        """So many seconds, or fewer when the process shall stop."""
        return seconds if self.alive else min(seconds, STOP_KEEPALIVE_LINGER)

    def _wait(self, client: Client, event: int, then: Callable[[Client], None], seconds: float) -> None:
        """Let the loop call `then` whenever it may go on, until it waits no longer; for so many seconds at most."""
        client.timeout = time.monotonic() + seconds
        self._waiting.add(client)
        self.poller.register(client.sock, event, lambda _wire: then(client))

    def _stop_waiting(self, client: Client) -> None:
        if client in self._waiting:
            self._waiting.remove(client)
            self.poller.unregister(client.sock)

    def _leave(self, client: Client) -> None:
        self._stop_waiting(client)
        self.nr_conns -= 1
        client.sock.close()
