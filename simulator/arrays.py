"""Types of the arrays that pass between the files of this room."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Numbers with a unit."""

Ints = npt.NDArray[np.int64]
"""Ids, counts and indices."""

Bools = npt.NDArray[np.bool_]
"""Facts, one a row."""

Texts = npt.NDArray[np.object_]
"""Strings, as Python's own."""

Images = npt.NDArray[np.float32]
"""Pixels."""

Array = npt.NDArray[Any]
"""An array of any of these."""

Where = tuple[Ints, ...]
"""Rows and epochs, as `numpy.nonzero` gives them."""

Arrow = Any
"""An Arrow array, scalar or type whose kind only the run tells."""
