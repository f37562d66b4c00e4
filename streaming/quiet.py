"""TensorFlow without the lines that its libraries write to standard error while they are loaded."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow; what its libraries say of CPUs and GPUs is shown only where the import fails.

    Those lines come from C++, before any logging of TensorFlow's can be configured.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # oneDNN's allocator never gives memory back, so that a process would keep what two generations of a model took.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its warnings are for those who build models
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            importlib.import_module("tensorflow")
        except Exception:  # but not Ctrl-C
            said.seek(0)
            os.write(shown, said.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)
