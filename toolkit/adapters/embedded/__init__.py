"""The embedded AWS as the command line sees it: a process with an endpoint."""
