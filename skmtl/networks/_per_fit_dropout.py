"""Dropout for several fits trained together, each with its own rate and random numbers."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ._noise import uniform_noise


class PerFitDropout(keras.layers.Layer):
    """`VariableDropout` for several fits at once, with the bits of separate fits; members are the first axis."""

    def __init__(self, fits: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fits = fits

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002 - Keras' signature
        """Create the rates (fits,) and the random states (fits, 2), in the order of `VariableDropout`."""
        dtype = keras.random.SeedGenerator(0).state.dtype
        self.rates = self.add_weight(name="rate", shape=(self.fits,), initializer="zeros", trainable=False)
        self.states = self.add_weight(
            name="seed_generator_state", shape=(self.fits, 2), dtype=dtype, initializer="zeros", trainable=False
        )
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """In training, set a random part of the inputs to zero and scale up the rest; else return the inputs."""
        if not training:
            return inputs
        seeds = tf.convert_to_tensor(self.states)
        self.states.assign(seeds + tf.constant([0, 1], seeds.dtype))
        shape = tf.shape(inputs)
        per_fit = tf.concat([[shape[0] // self.fits], shape[1:]], axis=0)
        noise = tf.reshape(tf.cast(uniform_noise(per_fit, seeds), inputs.dtype), shape)
        rates = tf.repeat(tf.cast(self.rates, inputs.dtype), shape[0] // self.fits)
        rates = tf.reshape(rates, (-1, *[1] * (inputs.shape.rank - 1)))
        return tf.where(noise >= rates, inputs / (1 - rates), tf.zeros_like(inputs))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the input."""
        return input_shape
