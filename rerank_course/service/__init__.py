"""A stand-in for Cohere's Rerank service on this machine, without an account or a network.

``stand_in`` starts and stops it, ``handlers`` speak the protocol, ``faults`` are what can go wrong on cue,
and ``signals`` end a process that serves.
"""
