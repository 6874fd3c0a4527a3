"""Networks: one sharing scheme a file, and the Keras layers they are made of.

The layers are public: each works alone in a Keras model of your own, and importing this module
registers them, so that ``keras.saving.load_model`` finds them.
"""

from ._build import architecture_names, build_outputs
from ._custom import CustomNetwork, CustomSource
from ._export import export_custom_model, export_model
from ._layers import InputEncoding, MemberAverage, MemberDense, OutputDecoding, TaskDense, VariableDropout
from ._network import Network, Parameter, StackedNetwork, network_of

__all__ = [
    "CustomNetwork",
    "CustomSource",
    "InputEncoding",
    "MemberAverage",
    "MemberDense",
    "Network",
    "OutputDecoding",
    "Parameter",
    "StackedNetwork",
    "TaskDense",
    "VariableDropout",
    "architecture_names",
    "build_outputs",
    "export_custom_model",
    "export_model",
    "network_of",
]
