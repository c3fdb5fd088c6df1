// A track of the library: what was heard, its waveform, its sound. As a dock it stays at the foot of the page, and shows
// the rest on demand, as it does when it is brief; alone, it tells of no other tracks.

import { ask } from "/static/ask.js";
import TrackView, { clock } from "/static/track_view.js";
import WhyView from "/static/why_view.js";

export default {
  components: { TrackView, WhyView },
  props: {
    track: Number, colours: Object, autoplay: Boolean, dock: Boolean, brief: Boolean, alone: Boolean, at: { type: Number, default: null },
  },
  emits: ["choose"],
  template: `
    <article v-if="heard" class="em-card" :class="{ 'em-dock': dock }" :style="{ '--em-style': colour }">
      <header>
        <h2 dir="auto">{{ name }}</h2>
        <span class="em-said"><b>{{ first.style }} {{ first.probability.toFixed(2) }}</b>
          <span v-for="fact in facts" :key="fact">{{ fact }}</span></span>
        <button type="button" class="em-button" v-if="dock || brief" @click="open = !open" :aria-expanded="open">
          {{ open ? "Less" : "More" }}</button>
      </header>
      <ul class="em-bars" v-if="shown">
        <li v-for="style in heard.styles.slice(0, 4)" :key="style.style">
          <span>{{ style.style }}</span>
          <span class="em-bar"><i :style="{ width: style.probability * 100 + '%',
            background: colours[style.style] || '#888' }"></i></span>
          <b>{{ style.probability.toFixed(2) }}</b>
        </li>
      </ul>
      <track-view ref="view" :src="'/api/tracks/' + track + '/sound'" :name="name" :outline="outline" :height="dock ? 64 : 96"
        :duration="heard.duration" :segments="heard.segments" :beats="heard.rhythm ? heard.rhythm.beats : []"
        :downbeats="heard.rhythm ? heard.rhythm.downbeats : []" :colours="colours" :autoplay="autoplay" :at="at"></track-view>
      <template v-if="shown">
        <why-view :address="'/api/tracks/' + track + '/why'" :colour="colour"></why-view>
        <section v-if="alike.length && !alone" aria-label="tracks that sound alike">
          <h3>Sounds alike</h3>
          <ul class="em-alike"><li v-for="each in alike" :key="each.id">
            <button type="button" class="em-button" dir="auto" @click="$emit('choose', each.id)">{{ title(each) }}</button>
            <span>{{ each.why.text || "" }}</span></li></ul>
        </section>
      </template>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
    </article>
    <article v-else-if="trouble" class="em-card" :class="{ 'em-dock': dock }"><h2 dir="auto">{{ name }}</h2>
      <p class="em-error" role="alert">{{ trouble }}</p></article>`,
  data: () => ({ heard: null, name: "", outline: null, problem: "", alike: [], open: false, trouble: "", ready: 0, wanted: 0 }),
  computed: {
    shown() {
      return this.open || !(this.dock || this.brief);
    },
    first() {
      return this.heard.styles[0];
    },
    colour() {
      return this.colours[this.first.style] || "#888";
    },
    facts() {
      const { rhythm, key, loudness, duration } = this.heard;
      return [
        rhythm && `${rhythm.bpm.toFixed(1)} BPM`, key && `${key.name} ${key.camelot}`,
        loudness && loudness.integrated !== null && `${loudness.integrated.toFixed(1)} LUFS`, clock(duration),
      ].filter(Boolean);
    },
  },
  watch: { track: { handler: "load", immediate: true } },
  methods: {
    // Play a track as soon as it is shown.
    play(track) {
      this.wanted = track;
      this.$nextTick(() => {
        if (!this.$refs.view || this.wanted !== this.ready) return;
        this.wanted = 0;
        this.$refs.view.begin();
      });
    },
    title(track) {
      const { artist, title } = track.tags;
      return artist && title ? `${artist} – ${title}` : track.path.split("/").pop();
    },
    async load() {
      const asked = this.track;
      this.alike = [];
      if (!asked) return;
      const failed = (error) => ({ failed: error.message });
      const [found, outline] = await Promise.all(["", "/waveform"].map((part) => ask(`/api/tracks/${asked}${part}`).catch(failed)));
      if (asked !== this.track) return; // another one was chosen meanwhile
      this.heard = found.heard || null;
      this.name = found.failed ? "" : this.title(found);
      this.trouble = found.failed || found.error || "It was not heard yet.";
      this.outline = outline.failed ? null : outline;
      this.problem = outline.failed || "";
      this.ready = asked;
      if (this.wanted) this.play(this.wanted);
      const near = await ask(`/api/tracks/${asked}/similar?limit=5`).catch(() => []);
      if (asked === this.track) this.alike = near;
    },
  },
};
