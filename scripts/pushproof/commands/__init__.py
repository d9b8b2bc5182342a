"""One module a task: the order of its steps."""
