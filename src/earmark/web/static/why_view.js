// Reasons for an answer: the spectrogram of the window that speaks for it most, and what the answer loses without each
// second and each band, and the sounds that the ear of the model names there.

import { clock } from "/static/track_view.js";

const hertz = (n) => (n >= 1000 ? `${n / 1000} kHz` : `${Math.round(n)} Hz`);

export default {
  props: { address: String, body: Object, colour: String },
  template: `
    <div class="em-why">
      <button type="button" class="em-button" v-if="!found && !busy" @click="ask">Why?</button>
      <p v-if="busy" role="status">silencing one part after the other …</p>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
      <template v-if="found">
        <p>{{ summary }}</p>
        <p v-if="found.sounds.length" class="em-sounds">It hears there:
          <span v-for="sound in found.sounds" :key="sound.name" :title="'score ' + sound.score.toFixed(2)">{{ sound.name }}</span></p>
        <canvas ref="picture" class="em-spectrum" role="img" :aria-label="summary"></canvas>
        <ol class="em-bars" :aria-label="'seconds that speak for ' + found.style">
          <li v-for="part in found.stretches"><span>{{ time(part.low) }}–{{ time(part.high) }}</span>
            <span class="em-bar"><i :style="bar(part)"></i></span><b>{{ part.loss.toFixed(2) }}</b></li>
        </ol>
        <ol class="em-bars" :aria-label="'bands that speak for ' + found.style">
          <li v-for="part in found.bands"><span>{{ band(part) }}</span>
            <span class="em-bar"><i :style="bar(part)"></i></span><b>{{ part.loss.toFixed(2) }}</b></li>
        </ol>
      </template>
    </div>`,
  data: () => ({ found: null, busy: false, problem: "" }),
  computed: {
    summary() {
      const most = (parts) => parts.reduce((one, other) => (other.loss > one.loss ? other : one));
      const [stretch, band] = [most(this.found.stretches), most(this.found.bands)];
      return `${this.found.style} ${this.found.probability.toFixed(2)} in this window. Most of it from ` +
        `${clock(stretch.low)}–${clock(stretch.high)} and from ${this.band(band)}.`;
    },
  },
  watch: {
    address() {
      this.found = null;
      this.problem = "";
    },
  },
  methods: {
    time: clock,
    band: (part) => `${hertz(part.low)}–${hertz(part.high)}`,
    bar(part) {
      return { width: `${Math.min(1, Math.max(0, part.loss)) * 100}%`, background: this.colour || "#888" };
    },
    async ask() {
      this.busy = true;
      const form = this.body && new FormData();
      if (form) form.append("file", this.body.file);
      const answer = await fetch(this.address, form ? { method: "POST", body: form } : {});
      const found = await answer.json();
      this.busy = false;
      if (!answer.ok) {
        this.problem = found.detail;
        return;
      }
      this.found = found;
      this.$nextTick(this.draw);
    },
    draw() {
      const rows = this.found.picture;
      const canvas = this.$refs.picture;
      canvas.width = rows[0].length;
      canvas.height = rows.length;
      const pen = canvas.getContext("2d");
      const image = pen.createImageData(canvas.width, canvas.height);
      rows.forEach((row, band) =>
        row.forEach((level, column) => {
          const at = 4 * ((rows.length - 1 - band) * canvas.width + column);
          const share = level / 255;
          image.data.set([255 * share ** 0.8, 230 * share ** 2, 120 * (1 - share) * share * 4, 255], at);
        })
      );
      pen.putImageData(image, 0, 0);
    },
  },
};
