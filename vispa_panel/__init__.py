"""A web portal to work on any machine reached by SSH."""
