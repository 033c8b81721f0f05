"""A stand-in for Cohere's Rerank service on this machine, without an account or a network.

``stand_in`` starts and stops it, ``handlers`` take requests, ``cohere_api`` and ``other_apis`` are the
protocols that it speaks, ``scoring`` and ``chunks`` do what was asked, ``faults`` are what can go wrong on
cue, and ``signals`` end a process that serves.
"""
