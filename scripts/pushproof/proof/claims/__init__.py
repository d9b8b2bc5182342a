"""The claims that static findings make, one module each: found by being in this folder.

A module names its RULES and judges them: by the cells of the run where those ask the question already,
by a request or a statement of its own where they do not.
"""
