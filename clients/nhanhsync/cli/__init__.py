"""The `nhanhsync` command. Needs the `cli` extra: `pip install 'nhanhsync[cli]'`."""
