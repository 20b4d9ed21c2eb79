"""Records: the session, and the two doors through which anything is written."""
