"""The built-in text-to-SQL corpus and base model: a sweep without any download, on a CPU."""
