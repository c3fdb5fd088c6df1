"""A folder into a catalogue: only what is new or changed is heard, on one machine or on a Ray cluster."""
