// A track of the library: what was heard, its waveform, its sound.

import TrackView from "/static/track_view.js";
import WhyView from "/static/why_view.js";

export default {
  components: { TrackView, WhyView },
  props: { track: Number, colours: Object, autoplay: Boolean, at: { type: Number, default: null } },
  emits: ["choose"],
  template: `
    <article v-if="heard" class="em-card">
      <header><h2>{{ name }}</h2></header>
      <ul class="em-bars">
        <li v-for="style in heard.styles.slice(0, 4)" :key="style.style">
          <span>{{ style.style }}</span>
          <span class="em-bar"><i :style="{ width: style.probability * 100 + '%',
            background: colours[style.style] || '#888' }"></i></span>
          <b>{{ style.probability.toFixed(2) }}</b>
        </li>
      </ul>
      <track-view :src="'/api/tracks/' + track + '/sound'" :name="name" :peaks="peaks" :bins="bins"
        :duration="heard.duration" :segments="heard.segments" :beats="heard.rhythm ? heard.rhythm.beats : []"
        :downbeats="heard.rhythm ? heard.rhythm.downbeats : []" :colours="colours" :autoplay="autoplay" :at="at"></track-view>
      <why-view :address="'/api/tracks/' + track + '/why'" :colour="colours[heard.styles[0].style]"></why-view>
      <section v-if="alike.length" aria-label="tracks that sound alike">
        <h3>Sounds alike</h3>
        <ul class="em-alike"><li v-for="each in alike" :key="each.id">
          <button type="button" class="em-button" @click="$emit('choose', each.id)">{{ title(each) }}</button>
          <span>{{ each.why.text || "" }}</span></li></ul>
      </section>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
    </article>`,
  data: () => ({ heard: null, name: "", peaks: [], bins: 50, problem: "", alike: [] }),
  watch: { track: { handler: "load", immediate: true } },
  methods: {
    title(track) {
      const { artist, title } = track.tags;
      return artist && title ? `${artist} – ${title}` : track.path.split("/").pop();
    },
    async load() {
      const asked = this.track;
      this.alike = [];
      if (!asked) return;
      const [known, drawn] = await Promise.all(["", "/waveform"].map((part) => fetch(`/api/tracks/${asked}${part}`)));
      const found = await known.json();
      if (asked !== this.track) return; // another one was chosen meanwhile
      this.heard = found.heard;
      this.name = this.title(found);
      const outline = await drawn.json();
      this.peaks = drawn.ok ? outline.peaks : [];
      this.bins = drawn.ok ? outline.bins : 50;
      this.problem = drawn.ok ? "" : outline.detail;
      const near = await fetch(`/api/tracks/${asked}/similar?limit=5`);
      if (near.ok && asked === this.track) this.alike = await near.json();
    },
  },
};
