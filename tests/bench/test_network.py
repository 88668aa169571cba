"""The network's numbers, its numpy reference, and the map between layouts."""

from __future__ import annotations

import numpy as np
import pytest

from bench import data, network, reference
from warehouse.errors import BadInputError


def test_the_network_has_the_articles_size_and_work() -> None:
    assert sum(weights.size for weights in network.initial_weights(0)) == network.PARAMETERS == 11_290
    assert network.forward_multiply_adds() == 1_562_112
    assert network.training_flops() == 2 * (1_562_112 + 2_346_624)


def test_a_weights_layout_survives_the_way_there_and_back() -> None:
    weights = network.initial_weights(3)
    back = network.from_channels_first(network.to_channels_first(weights))
    assert all(np.array_equal(a, b) for a, b in zip(weights, back, strict=True))
    assert [array.shape for array in network.to_channels_first(weights)] == [
        *((32, 3, 3, 3), (32,), (16, 32, 3, 3), (16,)),
        *((10, 576), (10,)),
    ]


def test_dense_rows_move_from_height_width_channel_to_channel_height_width() -> None:
    weights = list(network.initial_weights(0))
    weights[4] = np.arange(5760.0).reshape(576, 10)
    moved = network.to_channels_first(tuple(weights))[4]
    # Channel 1 at row 0, column 0 is number 1 of the (h, w, c) flatten and number 36 of the (c, h, w) one.
    assert moved[0, 36] == weights[4][1, 0]


def test_the_last_partial_batch_is_dropped() -> None:
    assert network.batches(10, 4) == [slice(0, 4), slice(4, 8)]
    assert network.batches(8, 4) == [slice(0, 4), slice(4, 8)]
    assert network.batches(3, 4) == []


def test_the_reference_gradient_is_the_slope_of_its_loss() -> None:
    # Noise and biases off zero: blank patches would sit on the ReLU's kink, where there is no slope.
    generator = np.random.default_rng(5)
    images, labels = generator.random((4, *network.INPUT_SHAPE)), np.array([3, 1, 4, 1])
    weights = tuple(array + generator.uniform(-0.05, 0.05, array.shape) for array in network.initial_weights(1))
    after, _ = reference.train_step(weights, images, labels, 1.0)
    for which, place in ((0, (1, 2, 0, 5)), (1, (7,)), (2, (0, 1, 3, 4)), (3, (2,)), (4, (100, 3)), (5, (9,))):
        gradient = weights[which][place] - after[which][place]
        shifted = [weight.copy() for weight in weights]
        shifted[which][place] += 1e-6
        _, above = reference.train_step(tuple(shifted), images, labels, 0.0)
        shifted[which][place] -= 2e-6
        _, below = reference.train_step(tuple(shifted), images, labels, 0.0)
        assert gradient == pytest.approx((above - below) / 2e-6, rel=1e-4, abs=1e-9)


def test_digits_have_the_networks_shape_and_always_the_same_hash(digits: data.Dataset) -> None:
    assert digits.train_images.shape == (1437, 32, 32, 3)
    assert digits.test_images.shape == (360, 32, 32, 3)
    assert (digits.train_images.min(), digits.train_images.max()) == (0.0, 1.0)
    assert set(digits.test_labels.tolist()) == set(range(10))
    assert digits.sha256 == data.load("digits").sha256


def test_an_unknown_data_set_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInputError, match="unknown data set 'digit'; did you mean digits"):
        data.load("digit")
