"""Dropout of several fits that are trained together: each has its own rate and its own random numbers."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ._noise import uniform_noise


class FitsDropout(keras.layers.Layer):
    """What `VariableDropout` does to each of several fits alone, bit for bit; the first axis is that of the members."""

    def __init__(self, fits: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fits = fits

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002 - Keras' signature
        """Create rates (fits,) and the random states (fits, 2), in the order in which a fit alone has them."""
        dtype = keras.random.SeedGenerator(0).state.dtype
        self.rates = self.add_weight(name="rate", shape=(self.fits,), initializer="zeros", trainable=False)
        self.states = self.add_weight(
            name="seed_generator_state", shape=(self.fits, 2), dtype=dtype, initializer="zeros", trainable=False
        )
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Inputs with a random part set to zero and the rest scaled up, in training; else the inputs."""
        if not training:
            return inputs
        seeds = tf.convert_to_tensor(self.states)
        self.states.assign(seeds + tf.constant([0, 1], seeds.dtype))
        shape = tf.shape(inputs)
        own = tf.concat([[shape[0] // self.fits], shape[1:]], axis=0)
        noise = tf.reshape(tf.cast(uniform_noise(own, seeds), inputs.dtype), shape)
        rates = tf.repeat(tf.cast(self.rates, inputs.dtype), shape[0] // self.fits)
        rates = tf.reshape(rates, (-1, *[1] * (inputs.shape.rank - 1)))
        return tf.where(noise >= rates, inputs / (1 - rates), tf.zeros_like(inputs))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the input."""
        return input_shape
