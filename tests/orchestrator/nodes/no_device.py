"""Stands for `trainables.runtime.device` of a machine whose torch cannot use its device."""

import sys

print(f"it was built without {sys.argv[1]}")
sys.exit(1)
