"""Playing: what comes next, and why.

It knows the library and what was heard in it, not the networks; it prints nothing and plays nothing, so that the
terminal and the page use the same objects.

candidates   the tracks that may be played, as columns of numbers
cost         how well one track follows another, and how well it suits its place; weights in `weights.toml`
course       tempo, energy and style from the first track to the last
wish         the conditions of a set
search       all sets that meet them, grown track by track
planner      the cheapest of them
sets         a set, and why each track follows the one before it
set_picture  a set as SVG
partner      back to back with a human: turns, picks, reasons
log          a session as JSON, to go on with

grid         the bars of a track
structure    its sections on them: intro, break, build, drop, outro
deck         a track ready to be mixed: its bars, sections, level
techniques   the ways to go over, and which pair of styles takes which
transition   where one track is left and the next entered, for how long, how
playback     which moment of which track is heard at each moment of a mix
mixing       rendering: sound, stretched, through strip, equaliser and limiter, into a recorder
"""
