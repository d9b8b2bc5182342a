"""The proof engine: asks over HTTP, as signed-in users, who can do what, and compares it with the declared intent."""
