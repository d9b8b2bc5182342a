"""The toolkit behind tasks.py."""
