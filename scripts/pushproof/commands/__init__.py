"""What each task does, step by step."""
