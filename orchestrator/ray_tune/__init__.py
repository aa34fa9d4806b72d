"""Everything that runs Ray: the cluster, the trials on it, and Ray Tune's questions passed on.

The only room that imports Ray. What it decides it asks `search`; what one trial does is `trial`'s;
what became of it is `outcomes`'. Accidents of Ray are handled here, each beside the version of Ray
and the behaviour that made it needed.
"""
