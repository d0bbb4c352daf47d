"""Other programs that pull the same lists, each in an environment of its own under `.bench/`."""
