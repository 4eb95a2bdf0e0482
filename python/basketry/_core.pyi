"""The compiled half of basketry. Its face is the package `basketry`."""

from typing import Final, final

DEBUG: Final[bool]

@final
class Columns:
    """The columns of a result. `polars.DataFrame(columns)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...
