"""The proof engine: who can do what, asked over HTTP by users who signed in, held against a declared intent."""
