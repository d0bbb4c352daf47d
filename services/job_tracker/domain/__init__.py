"""The rules of a job's life, pure: they are handed time, chance and the job as it is, and answer with what it becomes."""
