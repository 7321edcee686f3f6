"""What the journeys share: a site that really runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ports import free_port
from tests.serve.processes import Redress


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redress]:
    """Redress as `bin/run` starts it, in a folder and on a port of its own."""
    folder = tmp_path_factory.mktemp("site")
    redress = Redress(folder / "data", free_port(), {}, folder / "output")
    try:
        assert redress.is_ready(), redress.output
        yield redress
    finally:
        redress.kill_all()
