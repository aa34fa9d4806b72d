"""The fine-tuning techniques, one file each, behind the interface in `registry`."""
