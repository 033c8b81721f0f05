"""Rows of a pandas DataFrame or of a Parquet file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rerank_course.texts.files import CorpusError, library, one_line, unreadable
from rerank_course.texts.tables import ID_COLUMNS, KNOWN_COLUMNS, Row, Rows, check_columns, plain_name

if TYPE_CHECKING:
    import pandas as pd

FRAME = "the DataFrame"  # what errors call it


def is_frame(source: object) -> bool:
    """Whether this is a pandas DataFrame."""
    import pandas as pd

    return isinstance(source, pd.DataFrame)


def frame_rows(frame: "pd.DataFrame", source: Path | str = FRAME) -> Rows:
    """The rows of a DataFrame; the first has the number 1.

    The index is left out, unless it is called ``id`` or ``_id``. A missing value is no value.
    """
    columns = [(name, frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    indices = [(name, frame.index.get_level_values(level)) for level, name in enumerate(frame.index.names)]
    columns += [(name, index) for name, index in indices if plain_name(name) in ID_COLUMNS]
    check_columns([name for name, _ in columns], str(source))
    fields = {plain_name(name): list(values) for name, values in columns if plain_name(name) in KNOWN_COLUMNS}
    for number, values in enumerate(zip(*fields.values()), start=1):
        yield Row(f"row {number}", number, dict(zip(fields, map(_plain_value, values))))


def _plain_value(value: Any) -> Any:
    """A value as Python has it: ``None`` where it is missing, no number of numpy's."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def parquet_rows(path: Path) -> Rows:
    """The rows of a Parquet file, of which only the columns that are needed are loaded."""
    arrow = library("pyarrow", path)
    library("pyarrow.parquet", path)
    import pandas as pd

    try:
        names = arrow.parquet.read_schema(path).names
        check_columns(names, str(path))
        wanted = [name for name in names if plain_name(name) in KNOWN_COLUMNS]
        yield from frame_rows(pd.read_parquet(path, engine="pyarrow", columns=wanted), path)
    except CorpusError:
        raise
    except Exception as error:  # what pyarrow raises differs from version to version
        if isinstance(error, OSError) and error.errno:  # of the system, not of pyarrow
            raise unreadable(path, error) from None
        raise CorpusError(
            f"{path} cannot be read as Parquet: {one_line(error)}. Write it anew, for example with "
            'frame.to_parquet("texts.parquet").'
        ) from None
