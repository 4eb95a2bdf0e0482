"""What all tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Find a file of the shared test data, or skip the test."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BASKETRY_DATA", beside))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"{path} is not there: set BASKETRY_DATA to the folder of the test data")
        return path

    return find
