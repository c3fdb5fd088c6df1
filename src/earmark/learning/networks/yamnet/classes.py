"""The classes of YAMNet that have a name here: they say something about music, or that there is none."""

CLASSES = 521
DIMS = 1024  # of the embedding

NAMES = {
    0: "Speech",
    24: "Singing",
    31: "Rapping",
    132: "Music",
    153: "Synthesizer",
    157: "Drum kit",
    158: "Drum machine",
    211: "Pop music",
    212: "Hip hop music",
    213: "Beatboxing",
    214: "Rock music",
    215: "Heavy metal",
    216: "Punk rock",
    221: "Rhythm and blues",
    222: "Soul music",
    223: "Reggae",
    224: "Country",
    225: "Swing music",
    227: "Funk",
    228: "Folk music",
    230: "Jazz",
    231: "Disco",
    232: "Classical music",
    234: "Electronic music",
    235: "House music",
    236: "Techno",
    237: "Dubstep",
    238: "Drum and bass",
    239: "Electronica",
    240: "Electronic dance music",
    241: "Ambient music",
    242: "Trance music",
    243: "Music of Latin America",
    246: "Blues",
    248: "New-age music",
    258: "Ska",
    269: "Dance music",
    494: "Silence",
    495: "Sine wave",
    507: "Noise",
}
"""Classes that say something about music, or that there is none, by their number; the names are those of AudioSet."""

STYLES = (212, 231, 234, 235, 236, 237, 238, 239, 240, 241, 242)
"""Those among them that are kinds of electronic music, and hip hop and disco, its neighbours."""

ELECTRONIC = 234  # the class above all those
KINDS = tuple(number for number in STYLES if number != ELECTRONIC)
MUSIC, SILENCE, SPEECH = 132, 494, 0
