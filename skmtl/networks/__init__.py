"""Sharing schemes and their Keras layers.

Pass an instance of a scheme, or its name, to an estimator as ``architecture=``. The layers are public too. You can use
each of them in your own Keras models; importing this module registers them for ``keras.saving.load_model``.
"""

from ._blend_layers import AffineColumns, ClippedColumns, KernelRegression, Probabilities
from ._build import architecture_names, build_outputs
from ._bypass import Bypass
from ._cgc import CGC
from ._cross_stitch import CrossStitch, CrossStitchUnit
from ._custom import CustomNetwork, CustomSource
from ._embeddings import CategoryEmbedding, PeriodicEmbedding, PiecewiseLinearEmbedding
from ._experts import ExpertDense, ExpertGate, ExpertMixture
from ._export import export_custom_model, export_model
from ._export_blend import ExportedPart, ExportedParts, ExportedShift, export_blend
from ._independent import Independent
from ._input_encoding import InputEncoding
from ._layers import MemberAverage, MemberDense, OutputDecoding, TaskDense, VariableDropout
from ._low_rank import LowRank, LowRankUpdate
from ._mmoe import MMoE
from ._network import Network, Parameter, StackedNetwork, network_of
from ._numeric_embedding import NumericEmbedding, Periodic, PiecewiseLinear, resolve_numeric_embedding
from ._omoe import OMoE
from ._ple import PLE
from ._scheme import Scheme
from ._shared_bottom import SharedBottom
from ._source import build_model
from ._task_conditioned import TaskConditioned, TaskModulation

__all__ = [
    "CGC",
    "PLE",
    "AffineColumns",
    "Bypass",
    "CategoryEmbedding",
    "ClippedColumns",
    "CrossStitch",
    "CrossStitchUnit",
    "CustomNetwork",
    "CustomSource",
    "ExpertDense",
    "ExpertGate",
    "ExpertMixture",
    "ExportedPart",
    "ExportedParts",
    "ExportedShift",
    "Independent",
    "InputEncoding",
    "KernelRegression",
    "LowRank",
    "LowRankUpdate",
    "MMoE",
    "MemberAverage",
    "MemberDense",
    "Network",
    "NumericEmbedding",
    "OMoE",
    "OutputDecoding",
    "Parameter",
    "Periodic",
    "PeriodicEmbedding",
    "PiecewiseLinear",
    "PiecewiseLinearEmbedding",
    "Probabilities",
    "Scheme",
    "SharedBottom",
    "StackedNetwork",
    "TaskConditioned",
    "TaskDense",
    "TaskModulation",
    "VariableDropout",
    "architecture_names",
    "build_model",
    "build_outputs",
    "export_blend",
    "export_custom_model",
    "export_model",
    "network_of",
    "resolve_numeric_embedding",
]
