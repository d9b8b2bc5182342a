"""The linter of migrations: squawk, our own rules on the server's grammar, and ignores that give a reason."""
