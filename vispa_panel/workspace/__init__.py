"""A machine reached by SSH: connection, files, runs, terminals, and the controller of a session."""
