"""The only code that talks to AWS, subprocesses and the file system of a project."""
