"""TensorFlow SavedModels, loaded and warmed. The only module that imports TensorFlow's runtime."""

from __future__ import annotations

import gc
import hashlib
import logging
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from streaming.errors import PermanentError, one_line
from streaming.features import blank_example
from streaming.inference import BatchModelHandler
from streaming.registry import shared
from streaming.signatures import SERVE
from streaming.wiring import FeatureColumn, ModelPlan

_LOG = logging.getLogger(__name__)


class SavedModel:
    """One signature of a SavedModel that takes serialized `tf.Example`s.

    Raises:
        PermanentError: the directory holds no SavedModel that TensorFlow can load.
    """

    def __init__(self, plan: ModelPlan) -> None:
        try:
            # Kept, as the signature alone does not keep the variables alive.
            self._model = tf.saved_model.load(plan.path, tags=[SERVE])
            self._call = self._model.signatures[plan.signature]
            self.version = fingerprint(plan.path)
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            wrong = f"TensorFlow cannot load {plan.path}: {one_line(error)}"
            raise PermanentError(f"models.{plan.name}.path: {wrong}; export the model again") from error
        self._input = plan.input

    def predict(self, examples: Sequence[bytes]) -> dict[str, np.ndarray]:
        """The signature's outputs by name, for n serialized `tf.Example`s."""
        outputs = self._call(**{self._input: tf.constant(examples, tf.string, [len(examples)])})
        return {name: tensor.numpy() for name, tensor in outputs.items()}


def fingerprint(path: str) -> str:
    """What tells one export of a SavedModel from another: a hash of graph, variables' checksums and assets."""
    digest = hashlib.sha256()
    assets = sorted(tf.io.gfile.glob(f"{path}/assets/*"))  # vocabularies, for one
    for file in (f"{path}/saved_model.pb", f"{path}/variables/variables.index", *assets):
        if tf.io.gfile.exists(file) and not tf.io.gfile.isdir(file):
            digest.update(file.removeprefix(path).encode())
            with tf.io.gfile.GFile(file, "rb") as content:
                digest.update(content.read())
    return digest.hexdigest()[:16]


class SavedModelHandler(BatchModelHandler):
    """Loads a SavedModel once in a process, whatever the number of DoFn instances, and warms it with one call."""

    def __init__(self, plan: ModelPlan, features: Sequence[FeatureColumn]) -> None:
        super().__init__(plan)
        self._features = tuple(features if plan.features is None else plan.features)

    def load_model(self) -> SavedModel:
        return shared(("model", self.plan.path, self.plan.signature), self._load)

    def _load(self) -> SavedModel:
        # Dataflow starts a Python process for each vCPU: more threads than one would only fight over it.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
        model = SavedModel(self.plan)
        try:
            model.predict([blank_example(self._features)])
        except tf.errors.OpError as error:
            # A model may well refuse an example of zeros; then the first batch warms it.
            _LOG.info("model %s is not warmed up: %s", self.plan.name, one_line(error))
        _spare_the_collector()
        return model


def _spare_the_collector() -> None:
    """Take what is loaded by now out of the garbage collector's sight: it stays for the life of the process.

    Every batch makes a thousand protobuf messages, so collections are frequent, and each full one would walk through
    the hundreds of thousands of objects that TensorFlow and Beam have made.
    """
    gc.collect()
    gc.freeze()
