// The library as points: near means alike, the colour is the style. A click chooses a track, a drag around some makes a
// list of them. Arrows move to the nearest point in that direction.

const SIZE = 3.2; // radius of a point, CSS pixels
const REACH = 14; // a click so near to a point means it

export default {
  props: { colours: Object, chosen: Number },
  emits: ["choose", "lasso"],
  template: `
    <section aria-label="map of the library">
      <canvas ref="canvas" class="em-map" tabindex="0" role="application" :aria-label="label" @pointerdown="down"
        @pointermove="move" @pointerup="up" @keydown="key"></canvas>
      <ul class="em-legend"><li v-for="style in styles" :key="style"><i :style="{ background: colours[style] || '#888' }">
        </i>{{ style }}</li></ul>
      <p v-if="problem" class="em-error" role="alert">{{ problem }}</p>
    </section>`,
  data: () => ({ problem: "", styles: [], count: 0 }),
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
    this.observer.disconnect();
  },
  methods: {
    async load() {
      const answer = await fetch("/api/map");
      const found = await answer.json();
      if (!answer.ok) {
        this.problem = found.detail;
        return;
      }
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
      pen.globalAlpha = this.count > 5000 ? 0.5 : 0.85;
      this.points.ids.forEach((id, index) => {
        const [x, y] = this.place(index);
        pen.fillStyle = this.colours[this.styles[this.points.style[index]]] || "#888";
        pen.fillRect(x - SIZE, y - SIZE, 2 * SIZE, 2 * SIZE);
      });
      pen.globalAlpha = 1;
      pen.strokeStyle = getComputedStyle(document.body).color;
      const at = this.points.ids.indexOf(this.chosen);
      if (at >= 0) {
        const [x, y] = this.place(at);
        pen.lineWidth = 2;
        pen.strokeRect(x - 8, y - 8, 16, 16);
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
      if (!this.path.length) return;
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
    chooseNear([x, y]) {
      let [best, distance] = [-1, REACH];
      this.points.ids.forEach((id, index) => {
        const [px, py] = this.place(index);
        const away = Math.hypot(px - x, py - y);
        if (away < distance) [best, distance] = [index, away];
      });
      if (best >= 0) this.$emit("choose", this.points.ids[best]);
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
