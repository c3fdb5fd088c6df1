"""The acts of the program, without a terminal and without a browser: what the command and the page share.

An act takes values and returns or yields results. It prints nothing: a file that cannot be heard comes out as an
error, and long work tells how far it is to a function of the caller (`progress.Counting`).

catalogue   the catalogue that is meant, and opening it
listening   files as one model hears them
live        what plays now, from a pipe or the line input
lookup      analyses of files: from the catalogue, else by listening
query       the words of a search: styles and families under any name, tempos, keys
scanning    a folder into the catalogue, once or for ever, or on a cluster
tagging     writing tags, and undoing it
auditing    doubtful genre tags, and the same recording more than once
back_to_back  a session with the machine: one track each in turn
exporting   the catalogue for another program
sets        a set planned from the catalogue
mixing      a set as one mix
evaluating  measurements of a model
teaching    a model of the user's own styles
progress    progress of long work
"""
