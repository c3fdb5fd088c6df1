// The tracks that would teach the most, one after the other: it plays, one key says what it is, the next one comes.

import { ask } from "/static/ask.js";
import TrackPanel from "/static/track_panel.js";

const KEYS = "1234567890-=";

export default {
  components: { TrackPanel },
  props: { colours: Object, styles: Array },
  template: `
    <section @keydown="key">
      <p role="status" class="em-status">{{ status }}</p>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
      <template v-if="track">
        <track-panel :track="track.id" :colours="colours" :autoplay="true" :alone="true"></track-panel>
        <div class="em-row" role="group" aria-label="what is it?">
          <button type="button" class="em-button em-strong" ref="right" @click="say(heard)">
            Right: {{ heard }} <kbd>Enter</kbd></button>
          <button type="button" class="em-button" v-for="(style, index) in choices" :key="style" @click="say(style)">
            <i class="em-dot" :style="{ background: colours[style] || '#888' }"></i>{{ style }}
            <kbd v-if="index < keys.length">{{ keys[index] }}</kbd></button>
          <label class="em-other">another style <input ref="other" @keydown.enter.stop.prevent="sayOther"></label>
          <button type="button" class="em-button" @click="next">Skip <kbd>s</kbd></button>
        </div>
      </template>
      <p v-if="said" class="em-status">{{ said }}</p>
    </section>`,
  data: () => ({ waiting: [], track: null, problem: "", counts: {}, keys: KEYS, loaded: false, own: [] }),
  computed: {
    heard() {
      return this.track ? this.track.heard.styles[0].style : "";
    },
    choices() {
      return [...this.styles, ...this.own];
    },
    status() {
      if (!this.loaded) return "looking for the tracks that would teach the most …";
      if (this.problem && !this.track) return "";
      if (!this.track) return "there is nothing left to review";
      return `${this.waiting.length + 1} to review, the ones that teach the most first`;
    },
    said() {
      const parts = Object.entries(this.counts).map(([style, count]) => `${style} ${count}`);
      return parts.length ? `you said: ${parts.join(", ")}` : "";
    },
  },
  async mounted() {
    try {
      const said = await ask("/api/corrections");
      for (const each of said) this.counts[each.style] = (this.counts[each.style] || 0) + 1;
      this.own = Object.keys(this.counts).filter((style) => !this.styles.includes(style));
      this.waiting = await ask("/api/review?limit=50");
      this.next();
    } catch (error) {
      this.problem = error.message;
    }
    this.loaded = true;
  },
  methods: {
    next() {
      this.track = this.waiting.shift() || null;
      this.$nextTick(() => this.$refs.right && this.$refs.right.focus());
    },
    async say(style) {
      if (this.saying) return; // a second key for the same track
      this.saying = true;
      try {
        const { styles } = await ask("/api/corrections", { track: this.track.id, style });
        this.problem = "";
        this.counts = styles;
        this.own = Object.keys(styles).filter((name) => !this.styles.includes(name));
        this.next();
      } catch (error) {
        this.problem = error.message;
      }
      this.saying = false;
    },
    sayOther() {
      const style = this.$refs.other.value.trim();
      if (!style) return;
      this.$refs.other.value = "";
      this.say(style);
    },
    key(event) {
      if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey || !this.track) return;
      if (event.repeat) return; // a key that is held speaks of one track
      const index = KEYS.indexOf(event.key);
      if (event.target.tagName === "CANVAS" && (event.key === "-" || event.key === "=")) return; // it zooms
      if (index >= 0 && index < this.choices.length) this.say(this.choices[index]);
      else if (event.key === "s") this.next();
      else return;
      event.preventDefault();
    },
  },
};
