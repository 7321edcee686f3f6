"""The beginnings of images, which say their size, and whole SVGs."""

from __future__ import annotations

import struct


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 6, 0, 0, 0) + bytes(8)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b";"


def jpeg(width: int, height: int) -> bytes:
    """With a comment before the frame that holds what looks like a frame, and a byte that fills up."""
    start = b"\xff\xd8\xff\xe0" + struct.pack(">H14s", 16, b"JFIF\0\1\1")
    comment = b"\xff\xfe" + struct.pack(">H", 10) + b"\xff\xc0\0\x0b\x08\0\1\0"
    return start + comment + b"\xff\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + bytes(9)


def webp(chunk: str, width: int, height: int) -> bytes:
    """Lossy (`VP8 `), lossless (`VP8L`) or with more to it (`VP8X`)."""
    if chunk == "VP8L":
        body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    elif chunk == "VP8X":
        body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    else:
        body = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width | 1 << 14, height)
    data = chunk.encode() + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP" + data


def svg(attributes: str = 'viewBox="0 0 2 1"', within: str = "") -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f"{attributes}>{within}</svg>"
    ).encode()
