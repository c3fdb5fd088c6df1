// The set so far, playing: tracks and transitions one after the other without a gap, and a strip on which a click jumps.

import SetPlayer, { RATE, itemsOf } from "/static/set_player.js";
import { clock, soundOf } from "/static/track_view.js";

const BEFORE = 6; // seconds before a transition, from which it is heard

export default {
  props: { turns: Array, gain: Number, colours: Object },
  emits: ["heard"],
  template: `
    <section class="em-card em-set-deck" aria-label="the set, playing">
      <div class="em-row">
        <button type="button" class="em-play" @click="toggle" :aria-label="playing ? 'pause the set' : 'play the set'">
          {{ playing ? "❚❚" : "▶" }}</button>
        <div class="em-now"><b>{{ now }}</b><span class="em-dim" role="status">{{ news }}</span></div>
        <button type="button" class="em-button" @click="hear" :disabled="!joint">Hear the transition</button>
        <a v-if="joint" class="em-dim" :href="'/api/booth/transitions/' + joint.turn" :download="'transition-' + joint.turn + '.flac'">
          its file</a>
      </div>
      <div class="em-strip" ref="strip" tabindex="0" role="slider" aria-label="place in the set" aria-valuemin="0"
        :aria-valuemax="Math.round(total)" :aria-valuenow="Math.round(at)" :aria-valuetext="label" @click="jump" @keydown="key">
        <i v-for="block in blocks" :key="block.key" :class="{ 'em-mixed': block.mixed }" :title="block.title"
          :style="{ flexGrow: block.seconds, background: block.paint }"></i>
        <u :style="{ left: (total ? (100 * at) / total : 0) + '%' }"></u>
      </div>
      <p class="em-clock em-dim">{{ label }}</p>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
    </section>`,
  data: () => ({ playing: false, waiting: false, at: 0, place: null, problem: "" }),
  computed: {
    items() {
      return itemsOf(this.turns, this.gain);
    },
    blocks() {
      const colour = (turn) => this.colours[this.turns[turn].track.style] || "#888";
      return this.items.map((item) => {
        const mixed = item.key.startsWith("transition");
        const names = mixed ? [item.turn - 1, item.turn] : [item.turn];
        return {
          key: item.key, mixed, seconds: this.length(item), title: names.map((turn) => this.turns[turn].track.name).join(" → "),
          paint: mixed ? `linear-gradient(90deg, ${colour(item.turn - 1)}, ${colour(item.turn)})` : colour(item.turn),
        };
      });
    },
    total() {
      return this.items.reduce((sum, item) => sum + this.length(item), 0);
    },
    label() {
      return `${clock(this.at)} / ${clock(this.total)}`;
    },
    index() {
      return Math.max(0, this.items.findIndex((item) => this.place && item.key === this.place.key));
    },
    joint() {
      const next = this.playing && this.items.slice(this.index).find((item) => item.joints);
      return next || this.items.filter((item) => item.joints).pop();
    },
    now() {
      const block = this.blocks[this.index];
      return block ? block.title : "";
    },
    news() {
      if (this.waiting) return "loading …";
      const next = this.items[this.index + 1];
      if (!next || !this.playing) return "";
      const left = Math.max(0, this.start(this.index + 1) - this.at);
      return next.joints ? `the transition begins in ${clock(left)}` : `alone in ${clock(left)}`;
    },
  },
  watch: {
    items() {
      if (this.player) this.player.update(this.items);
    },
  },
  unmounted() {
    if (this.player) {
      this.forget();
      this.player.pause();
      this.player.context.close();
    }
    cancelAnimationFrame(this.frame);
  },
  methods: {
    length: (item) => ((item.to === null ? item.seconds * RATE : item.to) - item.from) / RATE,
    start(index) {
      return this.items.slice(0, index).reduce((sum, item) => sum + this.length(item), 0);
    },
    open() {
      if (this.player) return;
      this.player = new SetPlayer(new AudioContext({ sampleRate: RATE }), () => this.change());
      this.forget = soundOf(this.$el, () => this.player.pause());
    },
    change() {
      this.playing = this.player.playing;
      this.problem = this.player.problem;
      if (this.playing) this.follow();
    },
    follow() {
      cancelAnimationFrame(this.frame);
      const step = () => {
        this.waiting = this.player.waiting;
        this.settle(this.player.position());
        if (this.playing) this.frame = requestAnimationFrame(step);
      };
      step();
    },
    // Take a place as the one that is heard, and say where both tracks are.
    settle(place) {
      if (!place) return;
      this.place = place;
      const index = this.items.findIndex((item) => item.key === place.key);
      if (index < 0) return;
      const item = this.items[index];
      this.at = this.start(index) + (place.sample - item.from) / RATE;
      const seconds = place.sample / RATE;
      const heard = {};
      if (item.joints) {
        heard[this.turns[item.turn - 1].track.id] = item.joints.left + seconds;
        heard[this.turns[item.turn].track.id] = Math.max(0, item.joints.joined - item.joints.seconds + seconds);
      } else heard[this.turns[item.turn].track.id] = seconds;
      const last = item.joints || !item.turn ? item.turn : this.turns[item.turn + 1] ? item.turn + 1 : item.turn;
      this.$emit("heard", heard, Math.max(1, last));
    },
    go(seconds) {
      this.open();
      let index = 0;
      while (index + 1 < this.items.length && this.start(index + 1) <= seconds) index++;
      const item = this.items[index];
      if (!item) return;
      const sample = item.from + Math.round((Math.max(0, seconds) - this.start(index)) * RATE);
      this.settle({ key: item.key, sample });
      window.dispatchEvent(new CustomEvent("em-sound", { detail: this.$el }));
      window.emPlayer = this;
      this.player.items = this.items;
      this.player.play(index, sample);
    },
    toggle() {
      if (this.playing) this.player.pause();
      else this.go(this.at >= this.total - 1 ? 0 : this.at);
    },
    hear() {
      this.go(this.start(this.items.indexOf(this.joint)) - BEFORE);
    },
    jump(event) {
      const box = this.$refs.strip.getBoundingClientRect();
      this.go(((event.clientX - box.left) / box.width) * this.total);
    },
    key(event) {
      const does = {
        " ": () => this.toggle(), ArrowRight: () => this.go(this.at + 5), ArrowLeft: () => this.go(this.at - 5),
        Home: () => this.go(0),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      does();
    },
  },
};
