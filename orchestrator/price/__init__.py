"""What a sweep will take: its work, the speed it goes at, and so its time, device hours and cost.

Knows the search space and the store; what must load torch it asks a process of its own
(`trainables.trial_cost`, `trainables.pack_cost`). Ray and the command leave the arithmetic to this
room.
"""
