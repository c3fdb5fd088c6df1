// A set from one style or track to another: planned, put into another order by dragging or with the arrows, downloaded.

import { ask, download } from "/static/ask.js";
import MixList from "/static/mix_list.js";
import { clock } from "/static/track_view.js";

export default {
  components: { MixList },
  props: { colours: Object, styles: Array, formats: Array },
  template: `
    <div>
    <section class="em-card" aria-label="plan a set" v-if="styles.length">
      <h2>Plan a set</h2>
      <form class="em-filters" @submit.prevent="plan">
        <label>from<select v-model="start"><option v-for="style in styles" :key="style">{{ style }}</option></select></label>
        <label>to<select v-model="goal"><option value="">anything</option>
          <option v-for="style in styles" :key="style">{{ style }}</option></select></label>
        <label>minutes<input type="number" min="5" max="600" v-model.number="minutes"></label>
        <label>variety<input type="range" min="0" max="1" step="0.1" v-model.number="variety"></label>
        <label>several tracks by an artist<input type="checkbox" v-model="repeat"></label>
        <button class="em-button em-strong" :disabled="busy">Plan</button>
      </form>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
      <ol v-if="tracks.length" class="em-set" aria-label="the set">
        <li v-for="(track, index) in tracks" :key="track.id" draggable="true" @dragstart="dragged = index" @dragend="dragged = null"
          @dragover.prevent @drop.prevent="put(dragged, index)" :style="{ borderLeftColor: colours[track.style] || '#888' }">
          <span>{{ track.start }}</span><b>{{ track.name }}</b>
          <span class="em-dim">{{ track.style }} {{ track.bpm }} {{ track.key }}{{ track.why && " — " + track.why }}</span>
          <button type="button" @click="put(index, index - 1)" :disabled="!index"
            :aria-label="'move ' + track.name + ' up'">↑</button>
          <button type="button" @click="put(index, index + 1)" :disabled="index === tracks.length - 1"
            :aria-label="'move ' + track.name + ' down'">↓</button></li>
      </ol>
      <div class="em-row" v-if="tracks.length">
        <button v-for="format in formats" :key="format" type="button" class="em-button" @click="save(format)">
          Download {{ format }}</button>
        <button type="button" class="em-button em-strong" @click="mix" :disabled="!!mixing">Mix it</button>
        <span role="status">{{ mixing }}</span>
      </div>
    </section>
    <mix-list ref="mixes"></mix-list>
    </div>`,
  data: () => ({
    start: "", goal: "", minutes: 60, variety: 0, repeat: false, tracks: [], problem: "", busy: false, dragged: null, mixing: "",
  }),
  mounted() {
    this.start = this.styles[0] || "";
  },
  methods: {
    time: clock,
    async plan() {
      this.busy = true;
      this.problem = "";
      try {
        const found = await ask("/api/set", {
          start: this.start, goal: this.goal, minutes: this.minutes, variety: this.variety, repeat_artists: this.repeat,
        });
        this.tracks = found.tracks.map((step) => ({
          id: step.id, start: this.time(step.start), style: step.style, bpm: step.bpm ? `${step.bpm.toFixed(1)} BPM` : "",
          key: step.camelot || "", name: step.artist && step.title ? `${step.artist} – ${step.title}` : step.path.split("/").pop(),
          why: (step.reasons || []).join("; "),
        }));
      } catch (error) {
        this.problem = error.message;
      }
      this.busy = false;
    },
    async mix() {
      this.mixing = "it begins …";
      this.problem = "";
      try {
        let job = await ask("/api/mix", { tracks: this.tracks.map((track) => track.id) });
        while (["queued", "running"].includes(job.state)) {
          await new Promise((ready) => setTimeout(ready, 500));
          job = await ask(`/api/jobs/${job.id}`);
          if (job.total) this.mixing = `${job.done} of ${job.total} ${job.unit}`;
        }
        if (job.state === "done") await this.$refs.mixes.load();
        else this.problem = job.error || "the mix was cancelled";
      } catch (error) {
        this.problem = error.message;
      }
      this.mixing = "";
    },
    put(from, to) {
      if (from === null || from === to) return;
      const moved = this.tracks.splice(from, 1)[0];
      this.tracks.splice(to, 0, moved);
      for (const track of this.tracks) track.start = track.why = ""; // both were said of the order before
    },
    async save(format) {
      const tracks = this.tracks.map((track) => track.id);
      await download("/api/export", { format, tracks, name: "set" }).catch((error) => (this.problem = error.message));
    },
  },
};
