"""Teachers: openly licensed networks that have heard real recordings. They are read from files and never shipped."""
