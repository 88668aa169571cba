"""The default track: the network as a beginner would write it today, one module for each way of writing it."""

from __future__ import annotations

import numpy as np

from bench.data import Images


def channels_first(images: Images) -> Images:
    """Return the images as torchvision's data sets would hand them out: (n, 3, 32, 32), contiguous.

    Without the copy PyTorch would quietly compute in the channels_last layout, which is a mode of its own.
    """
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
