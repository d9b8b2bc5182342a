"""The services of the embedded stack: each says how it is prepared, started and probed."""
