// The library as points: near means alike, the colour is the style. A click chooses a track, a drag around some makes a
// list of them. Arrows move to the nearest point in that direction.

import { ask } from "/static/ask.js";

const SIZE = { few: 5, many: 2.5 }; // radius of a point, CSS pixels
const MANY = 3000; // points
const HOVER = 120; // milliseconds until a point under the pointer is named
const REACH = 14; // a click so near to a point means it

export default {
  props: { colours: Object, chosen: Number },
  emits: ["choose", "lasso"],
  template: `
    <section aria-label="map of the library" class="em-atlas" v-show="!nothing">
      <canvas ref="canvas" class="em-map" tabindex="0" role="application" :aria-label="label" @pointerdown="down"
        @pointermove="move" @pointerleave="leave" @pointerup="up" @keydown="key"></canvas>
      <p class="em-tip" v-if="tip" :style="{ left: tip.x + 'px', top: tip.y + 'px' }" dir="auto">{{ tip.text }}</p>
      <ul class="em-legend"><li v-for="style in styles" :key="style"><i :style="{ background: colours[style] || '#888' }">
        </i>{{ style }}</li></ul>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
    </section>`,
  data: () => ({ problem: "", styles: [], count: 0, nothing: false, tip: null }),
  computed: {
    label() {
      return `${this.count} tracks; a click plays one, a drag around some chooses them, the arrows go from one to the next`;
    },
  },
  watch: { chosen: "draw" },
  async mounted() {
    this.path = [];
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.$refs.canvas);
    await this.load();
  },
  unmounted() {
    clearTimeout(this.wait);
    this.observer.disconnect();
  },
  methods: {
    async load() {
      let found;
      try {
        found = await ask("/api/map");
      } catch (error) {
        this.nothing = error.status === 404;
        this.problem = error.message;
        return;
      }
      this.nothing = !found.ids.length;
      this.problem = "";
      this.points = found;
      this.styles = found.styles;
      this.count = found.ids.length;
      this.draw();
    },
    place(index) {
      const canvas = this.$refs.canvas;
      const [width, height] = [canvas.clientWidth - 24, canvas.clientHeight - 24];
      return [12 + ((this.points.x[index] + 1) / 2) * width, 12 + ((1 - this.points.y[index]) / 2) * height];
    },
    draw() {
      const canvas = this.$refs.canvas;
      if (!canvas || !canvas.clientWidth || !this.points) return;
      const scale = window.devicePixelRatio || 1;
      canvas.width = canvas.clientWidth * scale;
      canvas.height = canvas.clientHeight * scale;
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      const size = this.count > MANY ? SIZE.many : SIZE.few;
      pen.globalAlpha = this.count > MANY ? 0.5 : 0.85;
      this.points.ids.forEach((id, index) => {
        const [x, y] = this.place(index);
        pen.fillStyle = this.colours[this.styles[this.points.style[index]]] || "#888";
        if (size === SIZE.many) {
          pen.fillRect(x - size, y - size, 2 * size, 2 * size);
          return;
        }
        pen.beginPath();
        pen.arc(x, y, size, 0, 2 * Math.PI);
        pen.fill();
      });
      pen.globalAlpha = 1;
      pen.strokeStyle = getComputedStyle(document.body).color;
      const at = this.points.ids.indexOf(this.chosen);
      if (at >= 0) {
        const [x, y] = this.place(at);
        pen.lineWidth = 2;
        pen.beginPath();
        pen.arc(x, y, 9, 0, 2 * Math.PI);
        pen.stroke();
      }
      if (this.path.length > 1) {
        pen.beginPath();
        this.path.forEach(([x, y]) => pen.lineTo(x, y));
        pen.stroke();
      }
    },
    down(event) {
      this.path = [[event.offsetX, event.offsetY]];
      this.$refs.canvas.setPointerCapture(event.pointerId);
    },
    move(event) {
      if (!this.path.length) {
        this.hover([event.offsetX, event.offsetY]);
        return;
      }
      this.path.push([event.offsetX, event.offsetY]);
      this.draw();
    },
    up() {
      const path = this.path;
      this.path = [];
      if (!this.points || !path.length) return;
      const [first, last] = [path[0], path[path.length - 1]];
      if (path.length < 4 || Math.max(...path.map(([x, y]) => Math.hypot(x - first[0], y - first[1]))) < REACH)
        this.chooseNear(last);
      else this.$emit("lasso", this.points.ids.filter((id, index) => inside(this.place(index), path)));
      this.draw();
    },
    // The number of the point at a place; -1 where there is none.
    near([x, y]) {
      let [best, distance] = [-1, REACH];
      if (!this.points) return best;
      this.points.ids.forEach((id, index) => {
        const [px, py] = this.place(index);
        const away = Math.hypot(px - x, py - y);
        if (away < distance) [best, distance] = [index, away];
      });
      return best;
    },
    chooseNear(place) {
      const best = this.near(place);
      if (best >= 0) this.$emit("choose", this.points.ids[best]);
    },
    // Name the point under the pointer, once it rests there.
    hover(place) {
      clearTimeout(this.wait);
      this.wait = setTimeout(async () => {
        const best = this.near(place);
        const id = best < 0 ? 0 : this.points.ids[best];
        if (!id) {
          this.tip = null;
          return;
        }
        this.names = this.names || new Map();
        if (!this.names.has(id)) {
          const answer = await fetch(`/api/tracks/${id}`);
          if (!answer.ok) return;
          const { tags, path } = await answer.json();
          this.names.set(id, tags.artist && tags.title ? `${tags.artist} – ${tags.title}` : path.split("/").pop());
        }
        const [x, y] = this.place(best);
        const room = this.$refs.canvas.clientWidth;
        this.tip = { x: Math.min(x + 12, Math.max(0, room - 240)), y: y - 34, text: this.names.get(id) };
      }, HOVER);
    },
    leave() {
      clearTimeout(this.wait);
      this.tip = null;
    },
    key(event) {
      const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way || !this.points || !this.count) return;
      event.preventDefault();
      const at = Math.max(0, this.points.ids.indexOf(this.chosen));
      const [x, y] = this.place(at);
      let [best, least] = [-1, Infinity];
      this.points.ids.forEach((id, index) => {
        const [px, py] = this.place(index);
        const along = (px - x) * way[0] + (py - y) * way[1];
        const aside = Math.abs((px - x) * way[1]) + Math.abs((py - y) * way[0]);
        if (along > 0.5 && along + 2 * aside < least) [best, least] = [index, along + 2 * aside];
      });
      if (best >= 0) this.$emit("choose", this.points.ids[best]);
    },
  },
};

function inside([x, y], path) {
  let within = false;
  path.forEach(([x1, y1], index) => {
    const [x2, y2] = path[(index + 1) % path.length];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) within = !within;
  });
  return within;
}
