"""What all sessions of the server share."""
