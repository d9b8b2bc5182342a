"""The services of the embedded stack. Each describes how it is prepared, started and checked."""
