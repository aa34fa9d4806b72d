"""Whether what a sweep states is true as often as it says: simulated sweeps of known truth."""
