"""Tags of a file, read and changed without harm to the file.

fields       the table: which field has which name in which family of tags
containers   the table: which kind of file holds which family of tags, and who reads its layout
layouts/     one module for each layout: where the bytes of each field lie
read         a file -> `Tags`
policy       an `Analysis` -> what the fields should say, and the `Change`s that follow
write        changes -> the file, by way of a checked copy
journal      what is needed to undo each write, on disk before the write happens
undo         the exact bytes of before

Nothing is re-written that is not changed: a layout says at which bytes a field lies, and a patch replaces those and
nothing else. Every frame of another program stays where it was, byte for byte.
"""

from earmark.library.tags.journal import Journal
from earmark.library.tags.policy import Change, Policy, Settings, plan
from earmark.library.tags.read import read
from earmark.library.tags.undo import undo
from earmark.library.tags.write import write

__all__ = ["Change", "Journal", "Policy", "Settings", "plan", "read", "undo", "write"]
