"""A response as it is received: streams that come in pieces, and streams without an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import httpx

from deployments.providers.response import LARGEST_RESPONSE, streamed_lines


class Pieces(httpx.SyncByteStream):
    """A body that comes in these pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def test_a_line_of_a_stream_that_comes_in_pieces_is_put_together() -> None:
    pieces = [b'{"a": "half a', b' secret"}', b"\n", b'{"b": 2}\n{"c"']
    response = httpx.Response(200, stream=Pieces(pieces))
    assert list(streamed_lines(response, 5.0)) == [b'{"a": "half a secret"}', b'{"b": 2}', b'{"c"']


def test_a_stream_without_line_ends_is_left_at_20_mb() -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1_000_000)
            yield b"x" * 1_000_000

    assert list(streamed_lines(httpx.Response(200, stream=Pieces(endless())), 60.0)) == []
    assert sum(sent) <= LARGEST_RESPONSE + 2_000_000
