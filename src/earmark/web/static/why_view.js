// Reasons for an answer: the spectrogram of the window that speaks for it most, and what the answer loses without each
// second and each band, and the sounds that the ear of the model names there.

import { ask } from "/static/ask.js";
import { clock } from "/static/track_view.js";

const NAMED = 0.1; // share of the greatest loss, from which on a band is named
const LOW = 500; // Hz, below which the bands are thinner than their names
const LEAST = 0.05; // of a probability: what loses less is drawn as little
const mel = (hz) => (hz < 1000 ? (hz * 3) / 200 : 15 + (27 * Math.log(hz / 1000)) / Math.log(6.4));
const hertz = (n) => (n >= 1000 ? `${Math.round(n / 100) / 10} kHz` : `${Math.round(n)} Hz`);

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
        <div class="em-reasons" aria-hidden="true">
          <div class="em-when"><i v-for="part in found.stretches" :title="time(part.low) + '–' + time(part.high) + ': ' + signed(part)"
            :style="{ height: 100 * share(part) + '%', background: paint(part) }"></i></div><span>what it would lose without</span>
          <canvas ref="picture" class="em-spectrum"></canvas>
          <div class="em-which"><span v-for="part in found.bands" :title="band(part) + ': ' + signed(part)" :style="placed(part)">
            <i :style="{ width: 55 * share(part) + '%', background: paint(part) }"></i>{{ share(part) > NAMED && tall(part) ? band(part) : "" }}</span></div>
        </div>
        <details><summary>as a table</summary>
        <ol class="em-bars" :aria-label="'seconds that speak for ' + found.style">
          <li v-for="part in found.stretches"><span>{{ time(part.low) }}–{{ time(part.high) }}</span>
            <span class="em-bar"><i :style="bar(part)"></i></span><b>{{ part.loss.toFixed(2) }}</b></li>
        </ol>
        <ol class="em-bars" :aria-label="'bands that speak for ' + found.style">
          <li v-for="part in found.bands"><span>{{ band(part) }}</span>
            <span class="em-bar"><i :style="bar(part)"></i></span><b>{{ signed(part) }}</b></li>
        </ol></details>
      </template>
    </div>`,
  data: () => ({ NAMED, found: null, busy: false, problem: "" }),
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
    signed: (part) => part.loss.toFixed(2).replace("-0.00", "0.00"),
    share(part) {
      const { stretches, bands } = this.found;
      const most = Math.max(LEAST, ...(stretches.includes(part) ? stretches : bands).map((each) => each.loss));
      return Math.max(0, part.loss) / most;
    },
    paint(part) {
      return part.loss > 0 ? this.colour || "#888" : "transparent";
    },
    // Whether a name has room beside a band: among the lowest ones, only the one that counts most has.
    tall(part) {
      const { bands } = this.found;
      const low = bands.filter((each) => each.high <= LOW);
      return part.high > LOW || part.loss === Math.max(...low.map((each) => each.loss));
    },
    // Where a band stands beside the picture, whose rows are spaced on Slaney's mel scale.
    placed(part) {
      const top = mel(this.found.bands[this.found.bands.length - 1].high);
      return { bottom: `${(100 * mel(part.low)) / top}%`, height: `${(100 * (mel(part.high) - mel(part.low))) / top}%` };
    },
    band: (part) => (part.low ? `${hertz(part.low)}–${hertz(part.high)}` : `below ${hertz(part.high)}`),
    bar(part) {
      return { width: `${Math.min(1, Math.max(0, part.loss)) * 100}%`, background: this.colour || "#888" };
    },
    async ask() {
      this.busy = true;
      this.problem = "";
      const { address } = this;
      const form = this.body && new FormData();
      if (form) form.append("file", this.body.file);
      try {
        const found = await ask(address, form || undefined);
        if (address !== this.address) return; // another track was chosen meanwhile
        this.found = found;
        this.$nextTick(this.draw);
      } catch (error) {
        if (address === this.address) this.problem = error.message;
      } finally {
        this.busy = false;
      }
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
