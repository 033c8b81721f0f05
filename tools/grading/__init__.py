"""Grade what a class handed in, in a sandbox."""
