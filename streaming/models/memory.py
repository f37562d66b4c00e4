"""The memory of a process that holds models: what stays out of the collector's way, what goes is given back."""

from __future__ import annotations

import ctypes
import functools
import gc


@functools.cache
def spare_the_collector() -> None:
    """Take all that is loaded by now out of the garbage collector's sight, at the first call in a process.

    Every batch makes a thousand protobuf messages, so collections are frequent, and each full one would walk through
    the hundreds of thousands of objects that TensorFlow and Beam have made: half a second in which no batch goes on.
    Models are loaded after it and stay in sight, as only the collector can free a graph, which is full of circles. To
    freeze them as well, and to unfreeze everything when one goes, would cost the half second at every swap.
    """
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Free models that nobody holds any more, and return their memory to the system.

    TensorFlow's oneDNN allocator keeps what it has ever got, which is two generations after a swap. In a process that
    starts with TF_ENABLE_ONEDNN_OPTS=0 there is none, and all of it is returned.
    """
    gc.collect()
    # What was freed in small pieces stays with glibc until it is asked; other C libraries do without.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
