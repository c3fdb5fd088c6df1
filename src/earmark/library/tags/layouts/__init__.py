"""Places in a file at which the bytes of each tag field lie: one module for each layout.

Each has a function that opens a file and returns a `Layout`: the fields of its tag as they stand, bytes and all, a
digest of everything else in the file, and a function that gives the patch which sets fields. Layouts decode no more
than the names; values are read by mutagen, which thereby checks what is written here.
"""
