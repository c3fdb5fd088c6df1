"""The browser application and the REST API, on this machine alone unless asked otherwise.

It calls `app`, as the commands do, and has no logic of its own about music. Only this room knows NiceGUI.

notes       small files beside the catalogue that the next server reads
site        the settings of one server: catalogue, folders, limits, token
guard       who may ask: host, origin, token, size
uploads     room for the files that are sent
ears        a model that hears uploads, a few at once, and refuses when too many wait
jobs        long work that goes on after a restart
works       the kinds of long work: scan, tag, undo, export
mixes       that were rendered from the page
watching    folders that are watched as long as the server runs
sound       a track as bytes that a browser can play
decoded     a track as WAV, for a player that joins tracks on the sample
waveform    a track as the outline of its sound
api/        the REST API
pages/      the pages
names       as a page can show them
alone       one server for each catalogue
server      all of it together, until Ctrl-C
"""
