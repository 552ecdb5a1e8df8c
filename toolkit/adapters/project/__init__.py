"""The files of a project, read and edited."""
