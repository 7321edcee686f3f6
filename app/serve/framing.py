"""Where a request ends in what has come of it. What is wrong with it gunicorn's parser finds."""

from __future__ import annotations

import re

LONGEST_HEAD = 64 * 1024
"""Octets up to the empty line."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Framing:
    """Of one request, which is looked at again whenever more of it has come."""

    def __init__(self, most: int) -> None:
        """`most` octets of a body are of use: no page takes more."""
        self._most = most
        self._body = 0
        self._length = 0
        self.expects = False
        """Whether its sender waits with the body until it is told to go on."""

    @property
    def has_head(self) -> bool:
        """Whether its head was there at the last look."""
        return self._body > 0

    def is_complete(self, heard: bytes | bytearray) -> bool:
        """Whether all of it is there, or nothing is worth waiting for: then it will be refused.

        A body in chunks is refused in any case (app/web/errors.py): its head is all that is needed.
        """
        if not self.has_head:
            end = heard.find(b"\r\n\r\n")
            if end < 0:
                return len(heard) > LONGEST_HEAD
            self._read_head(bytes(heard[: end + 2]))
        return self._length > self._most or len(heard) - self._body >= self._length

    def _read_head(self, head: bytes) -> None:
        self._body = len(head) + 2
        length = _LENGTH.search(head)
        self._length = int(length[1]) if length else 0
        self.expects = _EXPECTS.search(head) is not None
