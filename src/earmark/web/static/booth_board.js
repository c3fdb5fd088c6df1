// Two decks: what you play, and what the machine answers, with its reasons; the transition between them; the set so far.

import { ask, download } from "/static/ask.js";
import SetDeck from "/static/set_deck.js";
import TrackPanel from "/static/track_panel.js";

const MOODS = { follow: "follow the energy", contrast: "contrast it", up: "more energy", down: "less energy" };

export default {
  components: { SetDeck, TrackPanel },
  props: { colours: Object },
  template: `
    <section>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
      <p role="status" class="em-status">{{ status }}</p>
      <div class="em-row">
        <label class="em-other">you play <input type="search" v-model="words" @input="search" ref="search"
          placeholder="artist, title, style …" :disabled="busy || !state"></label>
        <button type="button" class="em-button" @click="send('back', {})" :disabled="busy || !turns.length">Take back</button>
        <button type="button" class="em-button" @click="send('new', {})" :disabled="busy || !(turns.length || problem)">New session</button>
        <button type="button" class="em-button" @click="save" :disabled="busy || !turns.length">Download the set</button>
      </div>
      <ul class="em-alike" v-if="found.length" aria-label="tracks to play">
        <li v-for="track in found" :key="track.id"><button type="button" class="em-button" @click="play(track.id)"
          :disabled="busy">{{ track.name }}</button><span>{{ track.style }} {{ track.bpm }} {{ track.key }}</span></li>
      </ul>
      <section v-if="state && state.machine_is_next" class="em-card" aria-label="what the machine offers">
        <h2>The machine would play</h2>
        <div class="em-row" role="group" aria-label="energy">
          <button type="button" v-for="(text, name) in moods" :key="name" class="em-button" :disabled="busy"
            :class="{ 'em-strong': state.mood === name }" :aria-pressed="state.mood === name"
            @click="send('mood', { mood: name })">{{ text }}</button>
        </div>
        <ol class="em-alike"><li v-for="(pick, index) in state.picks" :key="pick.track.id">
          <button type="button" class="em-button" :class="{ 'em-strong': !index }" :disabled="busy"
            @click="send('machine', { pick: index, mood: state.mood })">Play {{ pick.track.name }}</button>
          <span>{{ facts(pick.track) }}; {{ pick.reasons.join("; ") }}</span></li></ol>
        <p v-if="state.end">{{ state.end }}</p>
      </section>
      <section v-if="last && last.transition" class="em-card" aria-label="the transition">
        <h2>The transition</h2>
        <p>{{ last.transition.reason }}</p>
        <audio controls v-if="!last.transition.joints" :src="'/api/booth/transitions/' + last.transition.number"
          :key="last.transition.number"></audio>
      </section>
      <set-deck v-if="turns.length" :turns="turns" :gain="state.gain" :colours="colours" @heard="follow"></set-deck>
      <div class="em-decks">
        <track-panel v-for="turn in decks" :key="turn.track.id" :track="turn.track.id" :colours="colours" :brief="true"
          :at="turn.track.id in places ? places[turn.track.id] : null" @choose="play"></track-panel>
      </div>
      <section v-if="turns.length" class="em-card" aria-label="the set so far">
        <h2>The set so far</h2>
        <ol><li v-for="(turn, index) in turns" :key="index">
          <b>{{ turn.player === "human" ? "you" : "machine" }}</b> <span dir="auto">{{ turn.track.name }}</span>
          <span class="em-dim">{{ facts(turn.track) }}{{ turn.sounds.length ? "; " + turn.sounds.join(", ") : "" }}</span>
          <span class="em-dim" v-if="turn.reasons.length">— {{ turn.reasons.join("; ") }}</span></li></ol>
      </section>
    </section>`,
  data: () => ({ state: null, words: "", found: [], problem: "", busy: false, moods: MOODS, places: {}, pair: 0 }),
  computed: {
    turns() {
      return this.state ? this.state.turns : [];
    },
    last() {
      return this.turns[this.turns.length - 1];
    },
    decks() {
      const last = this.pair && this.pair < this.turns.length ? this.pair + 1 : this.turns.length;
      return this.turns.slice(Math.max(0, last - 2), last).filter((turn) => turn.track.id);
    },
    status() {
      if (this.busy) return "listening, and rendering the transition …";
      if (!this.state) return "";
      const note = this.state.transitions ? "" : " (no transitions: they need pip install 'earmark[dj]')";
      if (this.state.heard) return this.state.heard + note;
      return (this.state.machine_is_next && this.turns.length ? "its turn" : "your turn") + note;
    },
  },
  mounted() {
    this.send("");
  },
  methods: {
    // Show the two tracks that are heard, or come next, and where they are.
    follow(places, last) {
      this.places = places;
      this.pair = last;
    },
    facts(track) {
      const energy = track.energy === null ? "" : `energy ${1 + Math.round(9 * track.energy)}`;
      return [track.style, track.bpm && `${track.bpm} BPM`, track.key, energy].filter(Boolean).join(", ");
    },
    async send(what, body) {
      this.busy = true;
      this.problem = "";
      try {
        this.state = await ask(`/api/booth${what ? "/" + what : ""}`, body);
        this.pair = 0;
      } catch (error) {
        this.problem = error.message;
      }
      this.busy = false;
    },
    search() {
      clearTimeout(this.wait);
      this.wait = setTimeout(async () => {
        const words = this.words.trim();
        if (!words) {
          this.found = [];
          return;
        }
        const asked = ask(`/api/tracks/rows?limit=8&words=${encodeURIComponent(words)}`);
        const { rows } = await asked.catch(() => ({ rows: [] }));
        this.found = words === this.words.trim() ? rows : [];
      }, 150);
    },
    async play(track) {
      await this.send("human", { track });
      if (this.problem) return;
      this.words = "";
      this.found = [];
    },
    async save() {
      const tracks = this.turns.map((turn) => turn.track.id).filter(Boolean);
      const body = { format: "m3u8", tracks, name: "back to back" };
      await download("/api/export", body, "back-to-back.m3u8").catch((error) => (this.problem = error.message));
    },
  },
};
