// A track to look at and to listen to: the outline of its sound, the beat grid when zoomed, the styles along it.
// Click to hear that place. Space plays, the arrows go 5 s, + and - zoom.

const STRIP = 18; // of the styles
const LINES_BELOW = 20; // the same, from which on they are lines
const GRID_BELOW = 60; // seconds on the screen, from which on beats are drawn

export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// Whoever begins to sound says so, and all others stop: `quiet` is called when another one than `element` begins.
export function soundOf(element, quiet) {
  const listen = (event) => event.detail !== element && quiet();
  window.addEventListener("em-sound", listen);
  return () => window.removeEventListener("em-sound", listen);
}

export default {
  props: {
    src: String,
    outline: Object, // { bins, peaks, bands }, as the server draws it
    duration: Number,
    segments: Array,
    beats: Array,
    downbeats: Array,
    colours: Object,
    name: String,
    height: { type: Number, default: 96 }, // of the outline, CSS pixels
    at: { type: Number, default: null }, // where another player is in this track, seconds
    autoplay: Boolean,
  },
  template: `
    <figure class="em-track">
      <canvas ref="canvas" class="em-wave" tabindex="0" role="slider" :aria-label="'position in ' + name"
        aria-valuemin="0" :aria-valuemax="Math.round(duration)" :aria-valuenow="Math.round(position)"
        :aria-valuetext="label" @click="jump" @keydown="key"></canvas>
      <figcaption>
        <button type="button" @click="toggle" :disabled="!src" :aria-label="(playing ? 'pause ' : 'play ') + name">
          {{ playing ? "❚❚" : "▶" }}</button>
        <span class="em-clock">{{ label }}</span>
        <button type="button" @click="zoom(0.5)" aria-label="zoom in">+</button>
        <button type="button" @click="zoom(2)" aria-label="zoom out">−</button>
        <span v-if="problem" role="status">{{ problem }}</span>
      </figcaption>
      <audio ref="audio" :src="src" preload="none" @timeupdate="tick" @play="run" @pause="playing = false"
        @error="fail"></audio>
    </figure>`,
  data: () => ({ position: 0, playing: false, shown: 0, problem: "" }),
  computed: {
    label() {
      const segment = (this.segments || []).find((s) => this.position >= s.start && this.position < s.end);
      return `${clock(this.position)} / ${clock(this.duration)}${segment ? "  " + segment.style : ""}`;
    },
  },
  watch: {
    at() {
      if (this.at === null || this.playing) return;
      this.position = Math.min(this.at, this.duration);
      this.draw();
    },
    src: "startPlaying",
    outline: "draw",
    segments: "draw",
    duration() {
      this.shown = this.duration;
      this.draw();
    },
  },
  mounted() {
    this.shown = this.duration;
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.$refs.canvas);
    this.draw();
    if (!window.emPlayer || !window.emPlayer.$el.isConnected) window.emPlayer = this; // whom the space bar means
    this.forget = soundOf(this.$el, () => this.$refs.audio && this.$refs.audio.pause());
    this.startPlaying();
  },
  unmounted() {
    this.playing = false;
    this.forget();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  },
  methods: {
    startPlaying() {
      this.position = 0;
      this.problem = "";
      if (this.autoplay && this.src) this.$nextTick(this.begin);
    },
    // Play from the middle, where a track shows what it is.
    begin() {
      if (!this.$refs.audio) return;
      this.go(this.duration / 2);
      this.$refs.audio.play().catch(() => {}); // browsers wait for a first click
    },
    left() {
      const middle = Math.min(Math.max(this.position, this.shown / 2), this.duration - this.shown / 2);
      return this.shown >= this.duration ? 0 : middle - this.shown / 2;
    },
    draw() {
      const canvas = this.$refs.canvas;
      if (!canvas || !canvas.clientWidth) return;
      const scale = window.devicePixelRatio || 1;
      const width = canvas.clientWidth;
      canvas.width = width * scale;
      canvas.height = (this.height + STRIP) * scale;
      canvas.style.height = `${this.height + STRIP}px`;
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      const first = this.left();
      const x = (seconds) => ((seconds - first) / this.shown) * width;
      this.drawOutline(pen, width, first);
      if (this.shown < GRID_BELOW) this.drawGrid(pen, x, first);
      for (const part of this.segments || []) {
        pen.fillStyle = this.colours[part.style] || "#888";
        pen.globalAlpha = 0.35 + 0.65 * part.probability;
        pen.fillRect(x(part.start), this.height + 2, x(part.end) - x(part.start), STRIP - 2);
      }
      pen.globalAlpha = 1;
      pen.fillStyle = getComputedStyle(canvas).color;
      pen.fillRect(x(this.position), 0, 2, this.height + STRIP);
    },
    // Bass, middle and treble one over the other, around the middle line.
    drawOutline(pen, width, first) {
      if (!this.outline) return;
      const { bins, bands } = this.outline;
      const style = getComputedStyle(this.$refs.canvas);
      const perPixel = (this.shown * bins) / width;
      ["--em-low", "--em-mid", "--em-high"].forEach((name, band) => {
        const levels = bands[band];
        pen.fillStyle = style.getPropertyValue(name);
        for (let column = 0; column < width; column++) {
          const from = Math.floor(first * bins + column * perPixel);
          const to = Math.max(from + 1, Math.floor(from + perPixel));
          let level = 0;
          for (let bin = from; bin < to && bin < levels.length; bin++) level = Math.max(level, levels[bin]);
          const height = (level / 255) * this.height;
          if (height >= 0.5 || !band) pen.fillRect(column, (this.height - height) / 2, 1, Math.max(1, height));
        }
      });
    },
    drawGrid(pen, x, first) {
      const down = new Set((this.downbeats || []).map((t) => t.toFixed(3)));
      for (const beat of this.beats || []) {
        if (beat < first || beat > first + this.shown) continue;
        const strong = down.has(beat.toFixed(3));
        pen.fillStyle = strong ? "#ff5d5d" : "rgba(128,128,128,.8)";
        const tick = strong ? 9 : 5;
        pen.fillRect(x(beat), 0, strong ? 2 : 1, tick);
        pen.fillRect(x(beat), this.height - tick, strong ? 2 : 1, tick);
        if (this.shown > LINES_BELOW) continue;
        pen.globalAlpha = strong ? 0.6 : 0.35;
        pen.fillRect(x(beat), 0, 1, this.height);
        pen.globalAlpha = 1;
      }
    },
    jump(event) {
      const place = this.left() + (event.offsetX / this.$refs.canvas.clientWidth) * this.shown;
      this.go(place);
      if (this.src) this.$refs.audio.play();
    },
    go(place) {
      if (!this.$refs.audio) return;
      this.position = Math.min(Math.max(0, place), this.duration);
      this.$refs.audio.currentTime = this.position;
      this.draw();
    },
    toggle() {
      const audio = this.$refs.audio;
      if (audio.paused) {
        if (Math.abs(audio.currentTime - this.position) > 0.5) audio.currentTime = this.position;
        audio.play();
      } else audio.pause();
    },
    run() {
      for (const other of document.querySelectorAll("audio")) if (other !== this.$refs.audio) other.pause();
      window.dispatchEvent(new CustomEvent("em-sound", { detail: this.$el }));
      window.emPlayer = this;
      this.playing = true;
      const step = () => {
        this.tick();
        if (this.playing) this.frame = requestAnimationFrame(step);
      };
      step();
    },
    tick() {
      if (!this.$refs.audio) return; // the track was taken off the page
      this.position = this.$refs.audio.currentTime;
      this.draw();
    },
    fail() {
      if (this.src) this.problem = "this browser cannot play this kind of file";
    },
    zoom(factor) {
      this.shown = Math.min(this.duration, Math.max(4, this.shown * factor));
      this.draw();
    },
    key(event) {
      const does = {
        " ": () => this.toggle(),
        ArrowRight: () => this.go(this.position + 5),
        ArrowLeft: () => this.go(this.position - 5),
        Home: () => this.go(0),
        End: () => this.go(this.duration),
        "+": () => this.zoom(0.5),
        "-": () => this.zoom(2),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      does();
    },
  },
};
