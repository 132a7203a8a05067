"""Pages put components together: sign-in and workspace."""
