"""Connected components against networkx."""

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.components import connected_components

edge_lists = st.integers(1, 40).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=80),
    )
)


def label(size: int, edges: list[tuple[int, int]]) -> list[int]:
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return connected_components(size, ends[:, 0], ends[:, 1]).tolist()


@given(edge_lists)
def test_labels_are_the_smallest_node_of_the_component(case: tuple[int, list]) -> None:
    """Every node's label is the smallest node that networkx finds connected to it."""
    size, edges = case
    graph = nx.Graph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from(edges)
    expected = [0] * size
    for component in nx.connected_components(graph):
        for node in component:
            expected[node] = min(component)
    assert label(size, edges) == expected


@given(edge_lists, st.randoms())
def test_the_order_of_edges_does_not_matter(case: tuple[int, list], random) -> None:
    """The same edges in another order, and turned round, give the same labels."""
    size, edges = case
    shuffled = [(right, left) for left, right in edges]
    random.shuffle(shuffled)
    assert label(size, shuffled) == label(size, edges)


def test_a_long_chain_in_random_order_is_one_component() -> None:
    """A chain of 20,000 links in the worst order is followed to its end."""
    order = np.random.default_rng(1).permutation(20_001)
    assert not connected_components(20_001, order[:-1], order[1:]).any()
