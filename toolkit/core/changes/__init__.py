"""Changes of a schedule's state: what is news, how it is stored, and the words of its mail."""
