"""What the operations need of the world, one small protocol a file."""
