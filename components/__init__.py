"""Panel viewers, one a file: each draws one state and works alone in a notebook."""
