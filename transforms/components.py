"""Connected components of a graph, by hooking and pointer jumping."""

import numpy as np
from numpy.typing import NDArray


def connected_components(
    size: int, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Label every node with the smallest node that it is connected to.

    Args:
        size: Number of nodes; they are 0 to size - 1.
        left: One end of every edge.
        right: The other end.

    Returns:
        The label of every node. Depends on the set of edges alone, not on their order. Each
        round at least halves the roots, so a chain costs as little as a star.
    """
    parent = np.arange(size, dtype=np.int64)
    while len(left):
        one, other = parent[left], parent[right]
        is_open = one != other
        left, right = left[is_open], right[is_open]
        high = np.maximum(one[is_open], other[is_open])
        low = np.minimum(one[is_open], other[is_open])
        np.minimum.at(parent, high, low)
        grand = parent[parent]
        while not np.array_equal(grand, parent):
            parent, grand = grand, grand[grand]
    return parent
