"""The claims that static findings make: each module of this folder is one.

A module names its RULES and judges their reports: by the cells of the run if they have asked the question, else by a
request or statement of its own.
"""
