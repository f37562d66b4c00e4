"""The contract: schema, features, models' signatures and table, checked end to end before anything is read.

Only files are looked at: the schema, and each SavedModel's `saved_model.pb`. Every mistake is found in one run.
"""

from streaming.contract.swaps import misfits
from streaming.contract.whole import check

__all__ = ["check", "misfits"]
