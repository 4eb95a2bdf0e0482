"""The compiled half of basketry. Its face is the package `basketry`."""

from typing import Any, Final, final

from basketry.control import Reins

DEBUG: Final[bool]

@final
class Columns:
    """The columns of a result. `polars.DataFrame(columns)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

def simulate(world: str, customers: int, items: int, weeks: int, root: int, reins: Reins) -> dict[str, Any]:
    """Simulate a shop: its tables and truths with codes for names, the names, and the whole configuration."""
