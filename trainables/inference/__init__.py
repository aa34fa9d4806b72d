"""What a trained model is for: writing SQL, in the sweep and after it, and leaving the program.

Generation serves `evaluation`; prediction, export and model card serve `orchestrator.predict`.
"""

from __future__ import annotations

import logging

# PEFT imports bitsandbytes whatever the technique, which then says that a kernel for four bits is
# not there: true, and of no use to who asks a model.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
