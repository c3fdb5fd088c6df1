-- The share of each window that sounds, NULL in analyses of before, whose windows count alike; and what is no music.

ALTER TABLE analyses ADD COLUMN weights BLOB;
ALTER TABLE analyses ADD COLUMN no_music TEXT NOT NULL DEFAULT '';
