"""Programs of others on the same file, each in an environment of its own."""
