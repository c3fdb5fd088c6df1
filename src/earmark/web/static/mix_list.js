// The mixes that were rendered: heard, downloaded, deleted.

import { ask, remove } from "/static/ask.js";
import { clock } from "/static/track_view.js";

const KINDS = { cue: "cue sheet", svg: "picture", json: "decisions" };

export default {
  template: `
    <section v-if="mixes.length || problem" class="em-card" aria-label="your mixes">
      <h2>Your mixes</h2>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
      <ul class="em-alike">
        <li v-for="mix in mixes" :key="mix.name">
          <b dir="auto">{{ title(mix) }}</b><span>{{ facts(mix) }}</span>
          <button v-if="playing !== mix.name && kind(mix.files[0]) === 'sound'" type="button" class="em-button" :aria-label="'hear ' + label(mix)"
            @click="playing = mix.name">Hear it</button>
          <a v-for="name in mix.files" :key="name" :href="'/api/mixes/' + encodeURIComponent(name)" download>{{ kind(name) }}</a>
          <button type="button" class="em-button" :aria-label="'delete ' + label(mix)" @click="drop(mix)">Delete</button>
          <audio v-if="playing === mix.name" controls autoplay :src="'/api/mixes/' + encodeURIComponent(mix.files[0])"
            :aria-label="label(mix)"></audio>
        </li>
      </ul>
    </section>`,
  data: () => ({ mixes: [], playing: "", problem: "" }),
  mounted() {
    this.load();
  },
  methods: {
    async load() {
      await this.settle(ask("/api/mixes"));
    },
    async settle(answer) {
      this.problem = "";
      try {
        this.mixes = await answer;
      } catch (error) {
        this.problem = error.message;
      }
    },
    async drop(mix) {
      if (!confirm(`Delete the mix ${this.label(mix)}?`)) return;
      await this.settle(remove(`/api/mixes/${encodeURIComponent(mix.name)}`));
    },
    title: ({ tracks }) => (tracks.length ? `${tracks[0]} → ${tracks[tracks.length - 1]}` : "a mix that was stopped"),
    label(mix) {
      return `${this.title(mix)}, ${this.facts(mix)}`;
    },
    facts: (mix) =>
      [
        ...(mix.tracks.length ? [`${mix.tracks.length} tracks`, clock(mix.seconds)] : []),
        `${Math.ceil(mix.bytes / 1e6)} MB`, new Date(1000 * mix.made).toLocaleString(),
      ].join(", "),
    kind: (name) => KINDS[name.split(".").pop()] || "sound",
  },
};
