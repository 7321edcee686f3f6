"""Requests to another site that can be ended from outside: what drips would hold their thread for ever else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

Note = Callable[[socket.socket], None]


class Severable(HTTPAdapter):
    """requests' way to other machines, for a session that mounts it. `sever` may be called by another thread."""

    def __init__(self) -> None:
        self._handles: list[socket.socket] = []
        self._is_severed = False
        super().__init__()

    def sever(self) -> None:
        """End all conversations: whoever waits for a byte of one gets an error, now and from now on."""
        self._is_severed = True
        for handle in list(self._handles):
            _shut(handle)

    def close(self) -> None:
        """Forget them; requests calls it when its session ends."""
        super().close()
        while self._handles:
            self._handles.pop().close()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """See HTTPAdapter, which leaves this to who subclasses it. Here every connection is noted as it is made."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)  # its stubs know no ConnectionCls
        noted: dict[object, Callable[..., HTTPConnection]] = {HTTPConnection: _Noted, HTTPSConnection: _NotedTls}
        if pool.ConnectionCls in noted:
            pool.ConnectionCls = partial(noted[pool.ConnectionCls], note=self._note)
        return cast(HTTPConnectionPool, pool)

    def _note(self, connection: socket.socket) -> None:
        # A second handle of the same connection: the first one belongs to TLS, to a proxy's tunnel or to an answer.
        handle = connection.dup()
        self._handles.append(handle)
        if self._is_severed:
            _shut(handle)


def _shut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was quicker
        handle.shutdown(socket.SHUT_RDWR)


class _Noted(HTTPConnection):
    def __init__(self, *args: Any, note: Note, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._note = note

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._note(connection)
        return connection


class _NotedTls(_Noted, HTTPSConnection):
    """The same, encrypted."""
